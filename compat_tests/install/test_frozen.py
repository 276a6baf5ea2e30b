"""Programs work that are frozen by PyInstaller or installed in a Docker image."""

import re
import shutil
import subprocess

import pytest

from compat_tests.install.conftest import PROGRAM, ROOT, run
from zlinkcompat.debug import compiled_modules


def test_a_program_frozen_by_pyinstaller_runs_compiled(compiled_wheel, environment, tmp_path):
    pytest.importorskip("PyInstaller")
    environment.pip_install(compiled_wheel[0])
    environment.run(
        "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", "--distpath", tmp_path / "dist",
        "--workpath", tmp_path / "work", "--specpath", tmp_path, "--name", "frozen",
        environment.program,
    )  # fmt: skip
    done = run(tmp_path / "dist" / "frozen" / "frozen", cwd=tmp_path)
    assert done.stdout == f"HELLO 40 compiled {len(compiled_modules())}\n"
    assert done.stderr == ""


def docker_runs():
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, timeout=60).returncode == 0


@pytest.mark.skipif(
    not docker_runs(), reason="the test builds an image, which only a Docker engine can do"
)
def test_the_docker_recipe_of_the_docs_makes_a_compiled_image(checkout, tmp_path):
    (recipe,) = re.findall(
        "^```dockerfile\n(.*?)^```$",
        (ROOT / "docs" / "deploy.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    context = tmp_path / "context"
    shutil.copytree(checkout, context, ignore=shutil.ignore_patterns("build"))
    (context / "Dockerfile").write_text(recipe)
    shutil.copy(PROGRAM, context / "service.py")
    run("docker", "build", "--tag", "zlinkcompat-test", context)
    done = run("docker", "run", "--rm", "zlinkcompat-test")
    assert done.stdout == f"HELLO 40 compiled {len(compiled_modules())}\n"

"""Provide copies of the checkout, and environments in which to install the copies."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = Path(__file__).with_name("program.py")

PATIENCE = 1200  # seconds, since a busy machine compiles slowly

#: Files that a fresh clone does not have. The fuzzer's corpus is not among them, so that a test can
#: see that the sdist leaves it out.
LEFT_OUT = shutil.ignore_patterns(
    "*.so", "__pycache__", "node_modules", "_build", "*.egg-info", "build", "dist",
    ".git", ".venv", ".tox", ".hypothesis", ".*_cache",
)  # fmt: skip


def pytest_itemcollected(item):
    item.add_marker(pytest.mark.timeout(3 * PATIENCE))  # a test may build twice


def run(*command, cwd=None, check=True, **variables):
    """Run a command to its end, and return the CompletedProcess.

    Variables that configure our package or pytest are removed from its environment.
    """
    kept = {
        name: os.environ[name] for name in os.environ if not name.startswith(("ZLINK", "PYTEST"))
    }
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**kept, **variables},
        text=True,
        capture_output=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


class Environment:
    """A virtual environment that finds the packages of the current one, but not zlinkcompat."""

    def __init__(self, folder):
        self.folder = folder
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        self.python = folder / "bin" / "python"
        found = run(self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        # Add the current site-packages by a .pth file. Python ignores .pth files in folders that
        # were added in this way, so an editable install of the checkout is not found.
        # Copy the program, since PyInstaller would also find packages beside it in the checkout.
        self.program = Path(shutil.copy(PROGRAM, folder))
        Path(found.stdout.strip(), "others.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def pip_install(self, what, check=True, **variables):
        """Run ``pip install``, without ``-v``, for a folder or a wheel."""
        return run(
            self.python, "-m", "pip", "install", "--no-deps", "--no-build-isolation", what,
            cwd=self.folder, check=check, **variables,
        )  # fmt: skip

    def run(self, *arguments, check=True, **variables):
        """Run ``python arguments`` in a folder outside the checkout."""
        return run(self.python, *arguments, cwd=self.folder, check=check, **variables)

    def script(self, *arguments, check=True, **variables):
        """Run the installed command ``zlinkcompat``."""
        command = self.folder / "bin" / "zlinkcompat"
        return run(command, *arguments, cwd=self.folder, check=check, **variables)


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path / "environment")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """Return a copy of the checkout without build products.

    Tests may build in the copy, but must not change its files.
    """
    copy = tmp_path_factory.mktemp("copy") / "zlinkcompat"
    return shutil.copytree(ROOT, copy, ignore=LEFT_OUT)


def build_wheel(source, folder, **variables):
    """Build the wheel of a checkout or an sdist; return the wheel and pip's output."""
    done = run(
        sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation",
        "--wheel-dir", folder, source, **variables,
    )  # fmt: skip
    (wheel,) = Path(folder).glob("*.whl")
    return wheel, done.stdout + done.stderr


@pytest.fixture(scope="session")
def compiled_wheel(checkout, tmp_path_factory):
    """Return the wheel of a compiled build, and pip's output."""
    return build_wheel(
        checkout, tmp_path_factory.mktemp("compiled"), ZLINKCOMPAT_REQUIRE_EXTENSIONS="1"
    )


@pytest.fixture(scope="session")
def pure_wheel(checkout, tmp_path_factory):
    """Return the wheel of a pure-Python build that was requested, and pip's output."""
    return build_wheel(checkout, tmp_path_factory.mktemp("pure"), ZLINKCOMPAT_PURE="1")


@pytest.fixture(scope="session")
def sdist(checkout, tmp_path_factory):
    """Return the path of the sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    run(
        sys.executable, "-c", "import setuptools.build_meta as b, sys; b.build_sdist(sys.argv[1])",
        folder, cwd=checkout,
    )  # fmt: skip
    (path,) = folder.glob("*.tar.gz")
    return path

"""Wheels and the sdist have the right contents and names, and work when installed."""

import re
import sys
import sysconfig
import tarfile
from zipfile import ZipFile

from compat_tests.install.conftest import PROGRAM, build_wheel, run
from zlinkcompat.debug import compiled_modules


def names(wheel):
    with ZipFile(wheel) as archive:
        return archive.namelist()


def test_a_compiled_wheel_is_named_for_its_platform(compiled_wheel):
    wheel, printed = compiled_wheel
    version = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert f"-{version}-{version}-" in wheel.name
    assert "NOT COMPILED" not in printed


def test_a_compiled_wheel_has_extensions_and_no_declarations(compiled_wheel):
    found = names(compiled_wheel[0])
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    extensions = {
        name.removesuffix(suffix).replace("/", ".") for name in found if name.endswith(suffix)
    }
    assert extensions == set(compiled_modules())
    assert not [name for name in found if name.endswith((".pyx", ".pxd", ".c", ".h"))]
    # The wheel also has the Python source of each extension module, for ZLINKCOMPAT_PURE=1.
    assert not {name.replace(".", "/") + ".py" for name in extensions} - set(found)


def test_a_wheel_has_only_its_packages(compiled_wheel):
    top = {name.partition("/")[0] for name in names(compiled_wheel[0])}
    assert {re.sub(r"-[\d.]+\.", ".", name) for name in top} == {
        "zlinkcompat", "zlinkcompat-stubs", "zlinkcompat.dist-info",
    }  # fmt: skip


def test_a_compiled_wheel_runs_compiled(compiled_wheel, environment):
    environment.pip_install(compiled_wheel[0])
    count = len(compiled_modules())
    assert environment.run(environment.program).stdout == f"HELLO 40 compiled {count}\n"
    pure = environment.run(environment.program, ZLINKCOMPAT_PURE="1")
    assert (pure.stdout, pure.stderr) == (f"HELLO 40 pure {count}\n", "")
    report = environment.script("doctor", check=False).stdout
    assert f"{count} of {count}" in report and str(environment.folder) in report
    assert environment.script("run", environment.program).stdout == f"HELLO 40 compiled {count}\n"


def test_the_benchmark_runs_from_a_wheel(compiled_wheel, environment):
    environment.pip_install(compiled_wheel[0])
    printed = environment.script(
        "bench", "--quick", "--case", "push-pull/tcp/64B", "--libs", "pyzmq,zlink"
    ).stdout
    assert "push-pull/tcp/64B" in printed


def test_a_pure_wheel_is_for_any_platform(pure_wheel, environment):
    wheel, printed = pure_wheel
    assert wheel.name.endswith("-py3-none-any.whl")
    assert "NOT COMPILED" not in printed  # the pure-Python build was requested
    environment.pip_install(wheel)
    done = environment.run(environment.program)
    assert done.stdout == f"HELLO 40 pure {len(compiled_modules())}\n"
    assert "RuntimeWarning: zlinkcompat is not compiled" in done.stderr


def test_a_program_in_a_zipapp_brings_the_pure_wheel(pure_wheel, environment, tmp_path):
    application = tmp_path / "application"
    with ZipFile(pure_wheel[0]) as archive:
        archive.extractall(application)
    (application / "__main__.py").write_text(PROGRAM.read_text())
    run(sys.executable, "-m", "zipapp", application, "-o", tmp_path / "program.pyz")
    done = environment.run(tmp_path / "program.pyz", ZLINKCOMPAT_PURE="1")
    assert done.stdout == f"HELLO 40 pure {len(compiled_modules())}\n"
    assert done.stderr == ""


def test_the_sdist_is_small_and_whole(sdist):
    with tarfile.open(sdist) as archive:
        found = [name.partition("/")[2] for name in archive.getnames()]
    assert not [name for name in found if name.startswith("reliability/corpus")]
    assert sdist.stat().st_size < 1_200_000  # 0.7 MB of it are tests and docs
    for name in compiled_modules():
        assert name.replace(".", "/") + ".py" in found
    assert {"setup.py", "bench/__main__.py", "tests/conftest.py", "LICENSE"} <= set(found)


def test_the_sdist_has_what_tests_and_docs_name(sdist, environment):
    """Tests import what they need, or skip; the commands of the docs find the files they name."""
    with tarfile.open(sdist) as archive:
        archive.extractall(environment.folder, filter="data")
    (unpacked,) = environment.folder.glob("zlinkcompat-*")
    pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", unpacked)
    pure = {"ZLINKCOMPAT_PURE": "1", "PYTHONPATH": str(unpacked)}
    environment.run(*pytest, "--collect-only", "--all", unpacked, **pure)
    printed = environment.run(
        *pytest,
        "-rs",
        unpacked / "tests/docs/test_commands.py",
        unpacked / "tests/wire/test_corpus.py",
        **pure,
    ).stdout
    assert "the sdist leaves out the fuzzer's corpus" in printed


def test_the_sdist_builds_the_same_wheel_as_the_checkout(sdist, compiled_wheel, tmp_path):
    wheel, _ = build_wheel(sdist, tmp_path, ZLINKCOMPAT_REQUIRE_EXTENSIONS="1")
    assert wheel.name == compiled_wheel[0].name
    assert sorted(names(wheel)) == sorted(names(compiled_wheel[0]))
    assert "zlinkcompat/py.typed" in names(wheel)

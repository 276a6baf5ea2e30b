"""An install from a checkout reports failures without ``-v``, and compiles only what changed."""

import os
import runpy
import sys
import sysconfig

import pytest

from compat_tests.install.conftest import ROOT, build_wheel, run
from zlinkcompat.debug import compiled_modules

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")

#: Maps a program that is not a compiler to the install's message about it.
COMPILERS = {
    "/bin/false": "/bin/false failed with exit code 1",
    "/no/such/compiler": "/no/such/compiler: No such file or directory",
}


@pytest.fixture
def fresh(checkout, tmp_path):
    """Return a copy of the checkout in which nothing was ever built."""
    copy = tmp_path / "fresh"
    run("cp", "-r", checkout, copy)
    run("rm", "-rf", copy / "build")
    return copy


@pytest.mark.parametrize("compiler", COMPILERS)
def test_an_install_without_compiler_says_so(compiler, fresh, environment):
    done = environment.pip_install(fresh, CC=compiler)
    told = done.stdout + done.stderr
    assert f"zlinkcompat: NOT COMPILED: {COMPILERS[compiler]}\n" in told
    assert "slower than pyzmq" in told and "install a C compiler" in told
    program = environment.run(environment.program)
    assert program.stdout == f"HELLO 40 pure {len(compiled_modules())}\n"
    assert program.stderr.count("RuntimeWarning: zlinkcompat is not compiled") == 1
    assert environment.run(environment.program, ZLINKCOMPAT_PURE="1").stderr == ""
    doctor = environment.script("doctor", check=False)
    assert doctor.returncode == 1 and "zlinkcompat is not compiled" in doctor.stdout


def test_a_wheel_without_compiler_is_for_any_platform(fresh, tmp_path):
    wheel, _ = build_wheel(fresh, tmp_path, CC="/bin/false")
    assert wheel.name.endswith("-py3-none-any.whl")


def test_a_required_build_fails_without_compiler(fresh, environment):
    done = environment.pip_install(
        fresh, check=False, CC="/bin/false", ZLINKCOMPAT_REQUIRE_EXTENSIONS="1"
    )
    assert done.returncode == 1 and "/bin/false failed with exit code 1" in done.stderr


def test_a_module_that_does_not_compile_is_named(fresh, environment):
    source = fresh / "zlinkcompat" / "routing" / "pub.py"
    source.write_text(source.read_text() + "\nthis is not Python\n")
    done = environment.pip_install(fresh)
    assert "zlinkcompat: NOT COMPILED: zlinkcompat/routing/pub.py" in done.stdout + done.stderr


def built(checkout):
    """Return the extension modules in a checkout and the times at which they were compiled."""
    tag = sys.implementation.cache_tag
    library = checkout / "build" / f"lib.{sysconfig.get_platform()}-{tag}"
    return {
        str(path.relative_to(library)).removesuffix(SUFFIX): path.stat().st_mtime_ns
        for path in library.rglob(f"*{SUFFIX}")
    }


def test_only_what_changed_is_compiled_again(checkout, compiled_wheel, environment):
    """Wheels, editable installs and ``build_ext --inplace`` share one build folder."""
    before = built(checkout)
    assert len(before) == len(compiled_modules())
    done = run(
        environment.python, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "-e",
        checkout,
    )  # fmt: skip
    assert "compiling" not in done.stdout + done.stderr
    assert built(checkout) == before
    os.utime(checkout / "zlinkcompat" / "routing" / "pub.py")
    done = run(environment.python, "setup.py", "-q", "build_ext", "--inplace", cwd=checkout)
    assert "zlinkcompat: compiling 1 modules" in done.stdout
    after = built(checkout)
    assert [name for name in after if after[name] != before[name]] == ["zlinkcompat/routing/pub"]


def test_an_extension_of_a_renamed_module_is_removed(checkout, compiled_wheel, environment):
    stale = checkout / "zlinkcompat" / "routing" / f"renamed{SUFFIX}"
    stale.touch()
    run(environment.python, "setup.py", "-q", "build_ext", "--inplace", cwd=checkout)
    assert not stale.exists()


def test_debug_lists_the_modules_that_setup_compiles(monkeypatch):
    monkeypatch.chdir(ROOT)
    made = runpy.run_path("setup.py", run_name="setup")
    assert sorted(each.name for each in made["extensions"]()) == compiled_modules()
    assert made["NOT_ON_THE_MESSAGE_PATH"] < set(compiled_modules())

"""The package checks at the start that the GIL is enabled and that its modules are compiled."""

import sys
import warnings

import pytest
from programs import python

from zlinkcompat._runtime import startup
from zlinkcompat.debug import build_info

WITHOUT_GIL = """
import sys
sys._is_gil_enabled = lambda: False
import {}
"""

#: A program that loads the pure-Python fallback; the test decides whether it was requested.
CONTEXTS = """
import os
os.environ["ZLINKCOMPAT_PURE"] = "1"
import zlinkcompat
os.environ["ZLINKCOMPAT_PURE"] = {asked!r}
{statement}
with zmq.Context() as first, zmq.Context() as second:
    pass
"""

#: The imports of both entry points, whose contexts have different classes.
IMPORTS = ("import zlinkcompat as zmq", "import zmq")


@pytest.mark.parametrize("name", ["zlinkcompat", "zlinkcompat.backend", "zlinkcompat.green"])
def test_import_without_the_gil_says_what_to_do(name):
    done = python("-c", WITHOUT_GIL.format(name))
    assert done.returncode == 1
    assert done.stderr.endswith(
        "ImportError: zlinkcompat needs the GIL, but this free-threaded Python runs without it: "
        "use the standard build of Python, or start this one with PYTHON_GIL=1\n"
    )


def test_free_threaded_python_with_the_gil_is_accepted():
    assert python("-c", WITHOUT_GIL.format("zlinkcompat").replace("False", "True")).returncode == 0


@pytest.fixture
def unwarned(monkeypatch):
    monkeypatch.setattr(startup, "_has_warned", False)
    monkeypatch.delenv("ZLINKCOMPAT_PURE", raising=False)


def test_an_uncompiled_build_warns_once(unwarned):
    with pytest.warns(RuntimeWarning, match="not compiled.*slower than pyzmq") as told:
        startup.warn_if_uncompiled("zlinkcompat/_backend/context.py")
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        startup.warn_if_uncompiled("zlinkcompat/_backend/context.py")


@pytest.mark.parametrize("path", ["/x/context.cpython-311.so", "/x/context.abi3.so"])
def test_a_compiled_build_does_not_warn(unwarned, path, monkeypatch):
    monkeypatch.setattr(startup, "EXTENSION_SUFFIXES", [".cpython-311.so", ".abi3.so", ".so"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        startup.warn_if_uncompiled(path)


def test_requested_fallback_does_not_warn(unwarned, monkeypatch):
    monkeypatch.setenv("ZLINKCOMPAT_PURE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        startup.warn_if_uncompiled("zlinkcompat/_backend/context.py")


@pytest.mark.parametrize("platform", ["posix", "nt"])
def test_warning_contains_the_fix_for_the_platform(unwarned, platform, monkeypatch):
    monkeypatch.setattr(startup.os, "name", platform)
    advice = {"posix": "install a C compiler", "nt": "pyzmq is the faster choice"}[platform]
    with pytest.warns(RuntimeWarning, match=advice):
        startup.warn_if_uncompiled("")


@pytest.mark.parametrize("statement", IMPORTS)
@pytest.mark.parametrize("asked", ["0", "1"])
def test_the_first_context_of_an_uncompiled_build_warns(statement, asked):
    program = CONTEXTS.format(asked=asked, statement=statement)
    done = python("-W", "always", "-c", program, PYZMQ_BACKEND="zlinkcompat.backend")
    assert done.returncode == 0, done.stderr
    warned = [line for line in done.stderr.splitlines() if "RuntimeWarning" in line]
    assert len(warned) == (asked == "0")
    assert all(line.startswith("<string>:7: RuntimeWarning: zlinkcompat is not") for line in warned)


def test_build_is_detected_from_its_files():
    module = sys.modules["zlinkcompat.core.socket"]
    assert startup.is_extension(module.__file__) == build_info()["modules"][module.__name__]

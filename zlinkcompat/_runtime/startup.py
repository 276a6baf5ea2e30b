"""Checks of the interpreter and the build: the GIL is on, the modules are compiled."""

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from warnings import warn

#: Packages whose frames lie between a program and its first context.
OWN_PACKAGES = ("zlinkcompat", "zmq")

_has_warned = False


def require_gil():
    """Raise ImportError where the GIL is off.

    The compiled pipes and the buffer pools rely on it: without the GIL, two threads could read one
    buffer. gevent, on which this package is built, has no free-threaded build either.
    """
    is_gil_enabled = getattr(sys, "_is_gil_enabled", None)
    if is_gil_enabled is not None and not is_gil_enabled():
        raise ImportError(
            "zlinkcompat needs the GIL, and this free-threaded Python runs without it: use the "
            "standard build of Python, or start this one with PYTHON_GIL=1"
        )


def is_extension(path):
    """Tell whether a module's ``__file__`` is that of a compiled module."""
    return (path or "").endswith(tuple(EXTENSION_SUFFIXES))


def warn_if_uncompiled(path):
    """Warn once in a process that its modules are not compiled, by the ``__file__`` of one of them.

    ``ZLINKCOMPAT_PURE=1`` asks for the pure-Python fallback, so then there is nothing to warn of.
    """
    global _has_warned
    if _has_warned or is_extension(path) or os.environ.get("ZLINKCOMPAT_PURE") == "1":
        return
    _has_warned = True
    if os.name == "posix":
        advice = (
            "install a C compiler and Python's headers, then reinstall zlinkcompat with pip's "
            "--force-reinstall --no-cache-dir"
        )
    else:
        advice = "there is no compiled build for this platform, so pyzmq is the faster choice"
    warn(
        "zlinkcompat is not compiled: it runs as the pure-Python fallback, which is slower than "
        f"pyzmq. To make it fast: {advice}. ZLINKCOMPAT_PURE=1 accepts the fallback silently; "
        "`python -m zlinkcompat doctor` tells more",
        RuntimeWarning,
        stacklevel=_program_level(),
    )


def _program_level():
    """The ``stacklevel`` at which a warning of our caller names the program's own line."""
    level, frame = 2, sys._getframe(2)
    while frame is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in OWN_PACKAGES:
            break
        level, frame = level + 1, frame.f_back
    return level

"""Checks at startup: that the GIL is on, and that the modules are compiled.

Other parts of the package can be called when the next context is made."""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING, Any
from warnings import warn

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


#: Packages whose frames lie between the program and the warning.
OWN_PACKAGES = ("zlinkcompat", "zmq")

_has_warned = False

#: Functions without arguments; see :func:`at_next_context`.
_at_next_context: list[Callable[[], object]] = []


def at_next_context(function: Callable[..., Any]) -> None:
    """Arrange that ``function`` is called once, when the next context is made."""
    _at_next_context.append(function)


def context_made() -> None:
    """Call the functions that wait for a context."""
    while _at_next_context:
        _at_next_context.pop()()


def require_gil() -> None:
    """Raise ImportError where the GIL is off.

    The compiled pipes and the buffer pools rely on the GIL: without it, two threads could read one
    buffer. gevent, which this package needs, does not have a free-threaded build either.
    """
    is_gil_enabled = getattr(sys, "_is_gil_enabled", None)
    if is_gil_enabled is not None and not is_gil_enabled():
        raise ImportError(
            "zlinkcompat needs the GIL, but this free-threaded Python runs without it: use the "
            "standard build of Python, or start this one with PYTHON_GIL=1"
        )


def is_extension(path: Any) -> bool:
    """Tell whether ``path``, a module's ``__file__``, is a compiled extension."""
    return (path or "").endswith(tuple(EXTENSION_SUFFIXES))


def warn_if_uncompiled(path: str) -> None:
    """Warn once per process if ``path``, the ``__file__`` of a module, is not a compiled extension.

    ``ZLINKCOMPAT_PURE=1`` asks for the pure-Python fallback, so the warning is left out then.
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


def _program_level() -> int:
    """Return the ``stacklevel`` that makes a warning of our caller point at the program's line."""
    frame: FrameType | None = sys._getframe(2)
    level = 2
    while frame is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in OWN_PACKAGES:
            break
        level, frame = level + 1, frame.f_back
    return level

"""The versions that a bug report needs."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from zlinkcompat.version import VERSION

#: Distributions that we depend on; the last ones are optional.
NAMES = ("pyzmq", "gevent", "greenlet", "PyNaCl", "wsproto")


def installed(name: str) -> Any:
    """Return the version of a distribution, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Return a dict of names to versions, ours first; None means not installed."""
    return {
        "zlinkcompat": VERSION,
        platform.python_implementation(): platform.python_version(),
        **{name: installed(name) for name in NAMES},
    }


def one_line() -> str:
    """Return the line that ``--version`` prints."""
    found = {name: text for name, text in versions().items() if text}
    first = found.pop("zlinkcompat")
    rest = ", ".join(f"{name} {text}" for name, text in found.items())
    return f"zlinkcompat {first} ({rest}, {sys.platform})"

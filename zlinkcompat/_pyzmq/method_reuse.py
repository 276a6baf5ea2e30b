"""Reuse of methods of pyzmq's own classes that are plain Python and do not call libzmq."""

from __future__ import annotations

from typing import Any


def copy_methods(namespace: dict[str, Any], source: type[Any], names: str) -> None:
    """Copy methods of a pyzmq class into the body of one of our classes.

    The copies are pyzmq's own functions, so they behave as in the installed version. A method that
    calls ``super()`` cannot be copied. Methods that an older pyzmq lacks are left out.

    Parameters
    ----------
    namespace : dict
        ``locals()`` in the class body.
    source : type
    names : str
        The names, separated by spaces.
    """
    for name in names.split():
        if name in source.__dict__:
            namespace[name] = source.__dict__[name]

"""zlinkcompat: a gevent-native ZeroMQ engine behind pyzmq's API.

Write ``import zlinkcompat as zmq`` in place of ``import zmq``. The names are those of pyzmq. Its
constants and errors are the same objects; the sockets and contexts are ours.
"""

from __future__ import annotations

import os
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

from zlinkcompat._pyzmq import import_hooks
from zlinkcompat._runtime.source_finder import install_if_asked
from zlinkcompat._runtime.startup import at_next_context, require_gil

if os.environ.get("PYZMQ_BACKEND") == __name__:
    raise ImportError(f"PYZMQ_BACKEND={__name__}: the backend is PYZMQ_BACKEND={__name__}.backend")

require_gil()
# Before any module that may be compiled is imported.
install_if_asked()
import_hooks.install()


def _open_control_if_asked() -> None:
    if "ZLINK_CONTROL" in os.environ:
        from importlib import import_module

        import_module("zlinkcompat.metrics.control").open_if_asked()


at_next_context(_open_control_if_asked)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zlinkcompat._sugar.names import *  # noqa: F403

#: Names with an underscore that pyzmq exports as well.
UNDERSCORED = ("__version__", "__revision__", "_FINISHED_TRACKER")


def __getattr__(name: str) -> Any:
    # Import late: pyzmq imports zlinkcompat.backend in the middle of its own import, before it has
    # its constants and errors.
    from importlib import import_module

    # ``from zlinkcompat import tuning`` calls this first; the import system then finds the module.
    if PathFinder.find_spec(f"{__name__}.{name}", __path__):  # noqa: F405
        pass
    elif name in ("sugar", "utils"):
        # ``import zmq`` imports these modules as well.
        return import_module(f"{__name__}.{name}")
    elif not name.startswith("_") or name in UNDERSCORED:
        names = import_module("zlinkcompat._sugar.names")
        try:
            value = getattr(names, name)
        except AttributeError:
            pass
        else:
            globals()[name] = value
            return value
    elif name == "__all__":
        return import_module("zlinkcompat._sugar.names").__all__
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> Iterable[str]:
    from importlib import import_module

    return sorted({*globals(), *import_module("zlinkcompat._sugar.names").__all__})

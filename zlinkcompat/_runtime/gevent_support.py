"""Access to gevent, imported on first use, and to the unpatched standard library.

A program that is not monkey-patched uses native threads for its I/O and may never need a hub. It
should not pay for importing gevent, and should not find gevent in ``sys.modules``. So a module that
such a program imports must not import gevent at its top level.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from threading import main_thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


_get_hub: Any = None


def loaded_module(name: str) -> ModuleType | None:
    """Return the module ``name`` if its import is complete, or None.

    While another thread imports a module, the module is already in ``sys.modules``. Until the
    import is complete, gevent's compiled modules contain Python functions that will not work
    afterwards."""
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    if spec is None or getattr(spec, "_initializing", False):
        return None
    return module


def get_original(module: str, name: str) -> type[Any] | Callable[..., Any]:
    """Return the original object ``name`` of a standard ``module``, even if gevent has patched it.

    Pass "_thread" to get ``RLock``. In a patched program, the ``RLock`` of ``threading`` is a
    Python class that uses gevent's locks.

    Source: gevent's ``monkey.get_original``.
    """
    get = getattr(sys.modules.get("gevent.monkey"), "get_original", None)
    # gevent.monkey may be in the middle of its import, and then nothing is patched yet.
    return getattr(import_module(module), name) if get is None else get(module, name)


def is_module_patched(name: str) -> bool:
    """Tell whether gevent has patched the standard module ``name``."""
    monkey: Any = sys.modules.get("gevent.monkey")
    # If another thread is still importing gevent.monkey, nothing is patched yet.
    return hasattr(monkey, "is_module_patched") and monkey.is_module_patched(name)


def run_signal_handlers() -> None:
    """Call a Python function, so that the interpreter runs the handlers of pending signals.

    Compiled code does not run them by itself."""


def running_loop() -> Any:
    """Return the asyncio event loop that runs in this thread, or None."""
    events = sys.modules.get("asyncio.events")
    return None if events is None else events._get_running_loop()


def hub_runs_under(loop: Any) -> bool:
    """Tell whether this thread's hub runs while the asyncio event loop ``loop`` waits.

    It does if the loop waits in a ``select`` that gevent has patched. uvloop waits in C instead."""
    from asyncio import SelectorEventLoop

    return is_module_patched("select") and isinstance(loop, SelectorEventLoop)


def is_timeout(error: Any) -> bool:
    """Tell whether an exception is a ``gevent.Timeout``."""
    timeout = sys.modules.get("gevent.timeout")
    return timeout is not None and isinstance(error, timeout.Timeout)


def has_hub() -> Any:
    """Tell whether the current thread has a hub, so that nothing is imported or made to use it."""
    local = loaded_module("gevent._hub_local")
    return (
        local is not None
        and loaded_module("gevent") is not None
        and local.get_hub_if_exists() is not None
    )


def get_hub() -> Any:
    """Return the hub of the current thread, and create it on first use."""
    if _get_hub is None:
        load_gevent()
    return _get_hub()


def format_context(context: Any) -> Any:
    """Format a failed callback's watcher as gevent does by default.

    gevent imports ``pprint`` and its dependencies early; this function imports it on first use."""
    from pprint import saferepr

    return saferepr(context)


def load_gevent() -> None:
    """Import gevent. Repeated calls have no effect."""
    global _get_hub

    first = "gevent.hub" not in sys.modules
    from gevent import config, hub

    if first:
        # gevent takes the importing thread for the main thread, and only the main thread's loop
        # can watch child processes (https://github.com/gevent/gevent/issues/688).
        hub.MAIN_THREAD_IDENT = main_thread().ident
        if not os.environ.get("GEVENT_FORMAT_CONTEXT"):
            config.format_context = f"{__name__}.format_context"
    _get_hub = hub.get_hub

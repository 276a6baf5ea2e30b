"""gevent, imported at the first use of a hub; and the standard library as it is below gevent.

A program that is not monkey-patched gets native threads for its I/O, and may never need a hub: it
does not pay for importing gevent, and nothing in it finds gevent among the loaded modules. So no
module that such a program imports may import gevent itself.
"""

import os
import sys
from importlib import import_module
from threading import main_thread

_get_hub = None


def get_original(module, name):
    """The object ``name`` of a standard ``module``, also where gevent has patched it.

    Take ``RLock`` from ``_thread``: in a patched program that of ``threading`` is a Python class,
    which waits by gevent's locks.

    Source: gevent's ``monkey.get_original``.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return getattr(import_module(module), name)
    return monkey.get_original(module, name)


def is_module_patched(name):
    """Tell whether gevent has patched the standard module ``name``."""
    monkey = sys.modules.get("gevent.monkey")
    # Another thread may be importing it: nothing is patched then.
    return hasattr(monkey, "is_module_patched") and monkey.is_module_patched(name)


def run_signal_handlers():
    """Let the interpreter run handlers of signals that are pending, which compiled code does not.

    It does so when it calls a Python function."""


def running_loop():
    """The asyncio event loop that runs in this thread, or None."""
    events = sys.modules.get("asyncio.events")
    return None if events is None else events._get_running_loop()


def hub_runs_under(loop):
    """Tell whether the hub of this thread turns while the asyncio event loop ``loop`` waits.

    It does where the loop waits in a ``select`` that gevent has patched. uvloop waits in C."""
    from asyncio import SelectorEventLoop

    return is_module_patched("select") and isinstance(loop, SelectorEventLoop)


def is_timeout(error):
    """Tell whether an exception is a ``gevent.Timeout``."""
    timeout = sys.modules.get("gevent.timeout")
    return timeout is not None and isinstance(error, timeout.Timeout)


def get_hub():
    """The hub of the current thread, made at the first use."""
    if _get_hub is None:
        load_gevent()
    return _get_hub()


def format_context(context):
    """What gevent prints of the watcher whose callback failed; its default, imported when needed.

    ``pprint`` imports ten further modules, a sixth of the time that gevent takes."""
    from pprint import saferepr

    return saferepr(context)


def load_gevent():
    """Import gevent; again is harmless."""
    global _get_hub

    first = "gevent.hub" not in sys.modules
    from gevent import config, hub

    if first:
        # gevent takes the thread that imports it for the main one, whose loop alone can watch
        # child processes.
        hub.MAIN_THREAD_IDENT = main_thread().ident
        if not os.environ.get("GEVENT_FORMAT_CONTEXT"):
            config.format_context = f"{__name__}.format_context"
    _get_hub = hub.get_hub

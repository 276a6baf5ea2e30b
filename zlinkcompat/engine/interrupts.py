"""Exceptions that signal handlers raise inside callbacks of an event loop.

gevent runs a signal handler wherever the main thread happens to be, even in a callback of the
engine. gevent also stops a watcher whose callback raises. So a program that catches Ctrl-C could
leave a listener that never accepts again. This module raises the exception in the program instead,
and calls the callback again. On signals in gevent, see
https://github.com/gevent/gevent/issues/1815.

The module is compiled, because the interpreter may run a signal handler at the start of each Python
function, before the function's first ``try``. The pure-Python build can lose a callback there.
"""

from __future__ import annotations

import sys
from _signal import NSIG, getsignal  # the functions of ``signal`` itself are Python functions
from functools import partial
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit

from zlinkcompat._runtime.log_queue import ERROR, Log

if TYPE_CHECKING:
    from collections.abc import Callable


LOG = Log("zlinkcompat.engine")

#: At most so many times is one callback called again. Callbacks must tolerate an incomplete run.
ATTEMPTS = 8


def is_interrupt(error: Any) -> bool:
    """Tell whether an exception comes from the program: Ctrl-C or one of its signal handlers.

    This check runs on every failure, usually right after a signal. So it is fast, and it calls no
    Python function, in which the interpreter could run a signal handler."""
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return True
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if not frame.f_globals.get("__name__", "").startswith("zlinkcompat."):
            code = frame.f_code
            for number in range(1, NSIG):
                if getattr(getsignal(number), "__code__", None) is code:
                    return True
        trace = trace.tb_next
    return False


def raise_in_main_greenlet(hub: Any) -> None:
    """Have the main greenlet raise the interrupt that is being handled, as soon as it runs."""
    kind, error, trace = sys.exc_info()
    hub.loop.run_callback(hub.handle_system_error, kind, error, trace)


def call_guarded(hub: Any, function: Callable[..., Any], args: tuple[Any, ...] = ()) -> None:
    """Call ``function(*args)`` for the event loop of ``hub``. Raise only GreenletExit.

    Parameters
    ----------
    hub : gevent.hub.Hub
        The hub of the current thread.
    function : callable
        If an interrupt of the program stops this function, it is called again.
    """
    for _ in range(ATTEMPTS):
        try:
            function(*args)
            return
        except GreenletExit:
            raise
        except BaseException as error:
            if is_interrupt(error):
                raise_in_main_greenlet(hub)
            else:
                log_defect(hub, error)
                return


def log_defect(hub: Any, error: Any) -> None:
    """Log an exception of a callback. An interrupt can occur here, since logging is Python."""
    exc_info = type(error), error, error.__traceback__
    for _ in range(ATTEMPTS):
        try:
            text = "unexpected error in a callback of the event loop"
            LOG.log(ERROR, text, exc_info=exc_info)
            return
        except BaseException as interrupt:
            if not is_interrupt(interrupt):
                raise
            raise_in_main_greenlet(hub)


def resume_guarded(hub: Any, function: Callable[..., Any]) -> None:
    """Call ``function()``, which switches to a greenlet of the program.

    Exceptions of the greenlet are raised here, except for interrupts."""
    for _ in range(ATTEMPTS):
        try:
            function()
            return
        except BaseException as error:
            if not is_interrupt(error):
                raise
            raise_in_main_greenlet(hub)


def protect_hub(hub: Any) -> None:
    """Keep an interrupt from ending ``hub``. This has an effect only before the hub first runs.

    gevent's ``Hub.run`` is a Python function. If a handler raises before ``run`` enters the loop,
    the hub's greenlet ends, and no callback of this thread runs any more."""
    if not hub and not hub.dead:
        hub.run = partial(run_hub, hub)


def run_hub(hub: Any) -> None:
    """Run ``hub`` in its greenlet. Raise interrupts in the main greenlet, and keep running."""
    # Delete the attribute: otherwise the hub refers to itself until the garbage collector runs.
    del hub.run
    while True:
        interrupt = None
        try:
            type(hub).run(hub)
            return
        except BaseException as error:
            if not is_interrupt(error):
                raise
            interrupt = error
        hub.parent.throw(interrupt)


def check_hub(hub: Any) -> None:
    """Raise RuntimeError if ``hub`` has ended, because every switch to it would return at once."""
    if hub.dead:
        raise RuntimeError("the gevent hub of this thread has ended, so the call cannot wait")

"""Logging that never blocks, switches greenlets or raises in the code that logs.

A logging handler of the program may wait for a lock or a server, switch greenlets, or raise. The
engine logs in callbacks of an event loop and in the middle of its work, where none of these is
allowed. So records are queued, and the program's handlers receive them later. If the calling thread
has a hub that the program runs, the handlers run in a greenlet of that hub. Otherwise they run in a
native thread that ends when the queue is empty.

This module does not import ``logging``, which takes 5 ms and 700 KiB. In a program that has not
imported it either, nobody can have a handler, and no record is made.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from time import time
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from zlinkcompat._runtime.gevent_support import get_original, loaded_module
from zlinkcompat._runtime.late_calls import LateCalls

if TYPE_CHECKING:
    from collections.abc import Callable


allocate_lock = get_original("_thread", "allocate_lock")
start_new_thread = get_original("_thread", "start_new_thread")
get_ident = get_original("_thread", "get_ident")
real_sleep = get_original("time", "sleep")

#: A fork waits this many seconds for a handler that is running in the native thread.
FORK_PATIENCE = 1.0

#: At most this many records are queued. Further records are dropped and counted.
QUEUE_MAX = 1000

#: The levels of ``logging``.
DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40


class Log:
    """A named logger with the methods of ``logging.Logger`` that the package uses.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.logger = None

    def is_enabled_for(self, level: int) -> bool:
        """Tell whether any handler may want records of ``level``.

        This takes no lock of ``logging``, except at the first call after the program imported it.
        """
        logger = self.logger
        if logger is None:
            logging = loaded_module("logging")
            if logging is None:
                return False
            attach_to(logging)
            logger = self.logger = logging.getLogger(self.name)
        return (
            not logger.disabled
            and logger.manager.disable < level
            and logger.getEffectiveLevel() <= level
        )

    def debug(self, text: str, *args: Any) -> None:
        """Log at DEBUG."""
        self.log(DEBUG, text, *args)

    def info(self, text: str, *args: Any) -> None:
        """Log at INFO."""
        self.log(INFO, text, *args)

    def warning(self, text: str, *args: Any) -> None:
        """Log at WARNING."""
        self.log(WARNING, text, *args)

    def exception(self, text: str, *args: Any) -> None:
        """Log the exception that is being handled, at ERROR with its traceback."""
        self.log(ERROR, text, *args, exc_info=sys.exc_info())

    def log(self, level: int, text: str, *args: Any, exc_info: Any = None) -> None:
        """Log at ``level``. The parameters are those of ``logging.Logger.log``."""
        if not self.is_enabled_for(level):
            return
        emitter_here().put((self.logger, level, text, args, exc_info, time()))


def emit(record: Any) -> None:
    """Pass a record to the program's handlers."""
    logger, level, text, args, exc_info, created = record
    record = logger.makeRecord(logger.name, level, "zlinkcompat", 0, text, args, exc_info)
    record.relativeCreated += (created - record.created) * 1000
    record.created = created
    record.msecs = int(created % 1 * 1000) + 0.0
    logger.handle(record)


class Emitter:
    """A queue of records, and a place to run handlers for them."""

    def __init__(self) -> None:
        self.records: deque[Any] = deque()
        self.left_out = 0
        self.lock = allocate_lock()
        self.running = False
        emitters.add(self)

    def put(
        self,
        record: tuple[Any, int, str, tuple[Any, ...], tuple[type[Any], Any, Any] | None, float],
    ) -> None:
        """Queue a record. Any thread may call it, and it never waits."""
        if len(self.records) >= QUEUE_MAX:
            self.left_out += 1
            return
        self.records.append(record)
        with self.lock:
            starts = not self.running
            self.running = True
        if starts:
            self.start()

    def start(self) -> None:
        """Arrange for :meth:`drain` to run where handlers may wait."""
        raise NotImplementedError  # abstract: each subclass implements it

    def drain(self) -> None:
        """Emit all records. If a handler raises, only its record is lost."""
        while True:
            self.emit_all()
            with self.lock:
                if not self.records:
                    self.running = False
                    return

    def emit(
        self,
        record: tuple[Any, int, str, tuple[Any, ...], tuple[type[Any], Any, Any] | None, float],
    ) -> None:
        """Pass a record to the handlers."""
        emit(record)

    def emit_all(self) -> None:
        """Emit the queued records in the calling thread."""
        records = self.records
        while records:
            try:
                record = records.popleft()
            except IndexError:
                return  # flush() has taken the record
            try:
                self.emit(record)
                if self.left_out:
                    left_out, self.left_out = self.left_out, 0
                    self.emit(
                        (
                            record[0],
                            WARNING,
                            "log records dropped because handlers are slow: %d",
                            (left_out,),
                            None,
                            time(),
                        )
                    )
            except Exception:
                if sys.modules["logging"].raiseExceptions and sys.stderr is not None:
                    sys.excepthook(*sys.exc_info())


class HubEmitter(Emitter):
    """Runs handlers in a greenlet of one hub."""

    def __init__(self, hub: Any) -> None:
        Emitter.__init__(self)
        self.hub = hub

    def call_later(self, seconds: float, function: Callable[..., Any]) -> None:
        """Call a function that neither waits nor raises, from the hub's loop."""
        # Without ref: a program that waits for nothing else must still end.
        timer = self.hub.loop.timer(seconds, ref=False)

        def call() -> None:
            timer.stop()
            timer.close()
            function()

        timer.start(call)

    def start(self) -> None:
        """Start :meth:`run` in a new greenlet."""
        from greenlet import greenlet

        self.hub.loop.run_callback(greenlet(self.run, self.hub).switch)

    def run(self) -> None:
        """Emit all records. An exception of a handler does not end the greenlet."""
        while True:
            try:
                self.drain()
                return
            except BaseException:
                # Ctrl-C, or a handler's Timeout. The hub raises it in the main greenlet.
                self.hub.handle_error(self, *sys.exc_info())


class ThreadEmitter(Emitter):
    """Runs handlers in a native thread, which ends when the queue is empty."""

    def __init__(self) -> None:
        Emitter.__init__(self)
        self.thread = 0
        self.late_calls = LateCalls()

    def call_later(self, seconds: float, function: Callable[..., Any]) -> None:
        """Call a function that neither waits nor raises, from a native thread."""
        self.late_calls.add(seconds, function)

    def start(self) -> None:
        """Start :meth:`run` in a native thread."""
        try:
            start_new_thread(self.run, ())
        except RuntimeError:
            with self.lock:
                self.running = False  # out of threads; the next record tries again

    def run(self) -> None:
        """Emit all records with signals blocked."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self.thread = get_ident()
        self.drain()

    def emit(
        self,
        record: tuple[Any, int, str, tuple[Any, ...], tuple[type[Any], Any, Any] | None, float],
    ) -> None:
        """Pass a record to the handlers while no fork is in progress."""
        if get_ident() != self.thread:
            emit(record)  # called by flush()
            return
        with no_fork:
            emit(record)


#: Held while the native thread runs a handler, and during a fork. Handlers take locks, such as the
#: lock of a buffered file. A child would wait forever for a lock that this thread held at the fork.
no_fork = allocate_lock()

emitters: WeakSet[Any] = WeakSet()
thread_emitter = ThreadEmitter()
here = get_original("threading", "local")()


def use_thread() -> None:
    """Declare the current thread an I/O thread: no handlers run in its hub."""
    here.emitter = thread_emitter


def emitter_here() -> Any:
    """Return the emitter for records of the current thread."""
    emitter = getattr(here, "emitter", None)
    if emitter is not None:
        return emitter
    hub = hub_here()
    if hub is None:
        return thread_emitter
    emitter = hub.__dict__.get("_zlinkcompat_log_emitter")
    if emitter is None:
        emitter = hub._zlinkcompat_log_emitter = HubEmitter(hub)
    return emitter


def hub_here() -> Any:
    """Return the hub of the current thread, or None."""
    local = loaded_module("gevent._hub_local")
    return None if local is None else local.get_hub_if_exists()


def call_later(seconds: Any, function: Any) -> None:
    """Call ``function`` in ``seconds``. It may log, and must neither wait nor raise.

    If the calling thread has a hub that the program runs, the hub's loop calls it, and otherwise a
    native thread. The call does not keep the process alive, and is forgotten in a forked child."""
    emitter_here().call_later(seconds, function)


def flush(timeout: float = 1.0) -> None:
    """Emit queued records now, and wait for running handlers for at most ``timeout`` seconds.

    The interpreter's exit and tests call this."""
    for emitter in list(emitters):
        emitter.emit_all()
    waited = 0.0
    while thread_emitter.running and waited < timeout:
        real_sleep(0.001)
        waited += 0.001


def before_fork() -> None:
    """Wait until the native thread's handler has finished.

    The wait is limited, because the handler may need a lock that the forking thread holds."""
    here.holds_no_fork = get_ident() != thread_emitter.thread and no_fork.acquire(
        True, FORK_PATIENCE
    )


def after_fork() -> None:
    """Let handlers run again in the parent."""
    if here.holds_no_fork:
        here.holds_no_fork = False
        no_fork.release()


def after_fork_child() -> None:
    """Reset in a forked child: the records belong to the parent, whose thread does not run here."""
    global no_fork
    no_fork = allocate_lock()
    thread_emitter.thread = 0
    thread_emitter.late_calls = LateCalls()
    for emitter in list(emitters):
        emitter.lock = allocate_lock()
        emitter.records.clear()
        emitter.running = False


_is_attached = False


def attach_to(logging: Any) -> None:
    """Prepare the program's ``logging`` for records of this package, once."""
    global _is_attached
    if _is_attached:
        return
    _is_attached = True
    # Without this handler, logging would print to stderr, and a peer could fill it.
    logging.getLogger("zlinkcompat").addHandler(logging.NullHandler())
    # A fork calls what was registered last first. So it waits for a running handler, which may need
    # a lock of logging, before logging's own function takes that lock.
    os.register_at_fork(
        before=before_fork, after_in_parent=after_fork, after_in_child=after_fork_child
    )

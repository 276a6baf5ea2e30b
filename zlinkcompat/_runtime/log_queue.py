"""Logging that never waits, switches greenlets or raises where the record is made.

A handler of the program may wait for a lock or a server, switch greenlets, or raise. The engine
logs in callbacks of an event loop and in the middle of its work, where none of that may happen. So
records are queued, and the program's handlers get them later: in a greenlet of its own where the
caller's thread has a hub that the program runs, otherwise in a native thread that ends when the
queue is empty.
"""

import logging
import os
import signal
import sys
from collections import deque
from time import time
from weakref import WeakSet

from zlinkcompat._runtime.gevent_support import get_original

allocate_lock = get_original("_thread", "allocate_lock")
start_new_thread = get_original("_thread", "start_new_thread")
get_ident = get_original("_thread", "get_ident")
real_sleep = get_original("time", "sleep")

#: Seconds that a fork waits for the handler that a native thread is just running.
FORK_PATIENCE = 1.0

#: Records that wait for slow handlers; further ones are counted and left out.
QUEUE_MAX = 1000

# Programs that log nothing are told nothing: a peer must not be able to fill their stderr.
logging.getLogger("zlinkcompat").addHandler(logging.NullHandler())


class Log:
    """A logger by name, with the methods of ``logging.Logger`` that are used here.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name):
        self.logger = logging.getLogger(name)

    def is_enabled_for(self, level):
        """Tell whether somebody may want records of ``level``, without logging's lock."""
        logger = self.logger
        return (
            not logger.disabled
            and logger.manager.disable < level
            and logger.getEffectiveLevel() <= level
        )

    def debug(self, text, *args):
        """Log at DEBUG."""
        self.log(logging.DEBUG, text, *args)

    def info(self, text, *args):
        """Log at INFO."""
        self.log(logging.INFO, text, *args)

    def warning(self, text, *args):
        """Log at WARNING."""
        self.log(logging.WARNING, text, *args)

    def exception(self, text, *args):
        """Log the exception that is being handled, at ERROR with its traceback."""
        self.log(logging.ERROR, text, *args, exc_info=sys.exc_info())

    def log(self, level, text, *args, exc_info=None):
        """Log at ``level``; the text and arguments are those of ``logging.Logger.log``."""
        if not self.is_enabled_for(level):
            return
        emitter_here().put((self.logger, level, text, args, exc_info, time()))


def emit(record):
    """Give a record to the handlers of the program."""
    logger, level, text, args, exc_info, created = record
    record = logger.makeRecord(logger.name, level, "zlinkcompat", 0, text, args, exc_info)
    record.relativeCreated += (created - record.created) * 1000
    record.created = created
    record.msecs = int(created % 1 * 1000) + 0.0
    logger.handle(record)


class Emitter:
    """A queue of records for one way to run handlers."""

    def __init__(self):
        self.records = deque()
        self.left_out = 0
        self.lock = allocate_lock()
        self.running = False
        emitters.add(self)

    def put(self, record):
        """Queue a record, from any thread. Never waits."""
        if len(self.records) >= QUEUE_MAX:
            self.left_out += 1
            return
        self.records.append(record)
        with self.lock:
            starts = not self.running
            self.running = True
        if starts:
            self.start()

    def start(self):
        """Have :meth:`drain` called where handlers may wait."""
        raise NotImplementedError

    def drain(self):
        """Emit all records; what a handler raises costs its record only."""
        while True:
            self.emit_all()
            with self.lock:
                if not self.records:
                    self.running = False
                    return

    def emit(self, record):
        """Give a record to the handlers."""
        emit(record)

    def emit_all(self):
        """Emit what is queued, in the caller."""
        records = self.records
        while records:
            try:
                record = records.popleft()
            except IndexError:
                return  # flush() took it
            try:
                self.emit(record)
                if self.left_out:
                    left_out, self.left_out = self.left_out, 0
                    self.emit(
                        (
                            record[0],
                            logging.WARNING,
                            "log records left out, since handlers are slow: %d",
                            (left_out,),
                            None,
                            time(),
                        )
                    )
            except Exception:
                if logging.raiseExceptions and sys.stderr is not None:
                    sys.excepthook(*sys.exc_info())


class HubEmitter(Emitter):
    """Runs handlers in a greenlet of one hub."""

    def __init__(self, hub):
        Emitter.__init__(self)
        self.hub = hub

    def start(self):
        """Begin :meth:`run` in a greenlet of its own."""
        from greenlet import greenlet

        self.hub.loop.run_callback(greenlet(self.run, self.hub).switch)

    def run(self):
        """Emit all; what a handler raises does not end the greenlet."""
        while True:
            try:
                self.drain()
                return
            except BaseException:
                # Ctrl-C, or a Timeout of the handler's. The hub throws it into the main greenlet.
                self.hub.handle_error(self, *sys.exc_info())


class ThreadEmitter(Emitter):
    """Runs handlers in a native thread, which ends when the queue is empty."""

    def __init__(self):
        Emitter.__init__(self)
        self.thread = 0

    def start(self):
        """Begin :meth:`run` in a native thread."""
        try:
            start_new_thread(self.run, ())
        except RuntimeError:
            with self.lock:
                self.running = False  # no more threads; the next record tries again

    def run(self):
        """Emit all, with signals blocked."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self.thread = get_ident()
        self.drain()

    def emit(self, record):
        """Give a record to the handlers, while no fork goes on."""
        if get_ident() != self.thread:
            emit(record)  # flush()
            return
        with no_fork:
            emit(record)


#: Held while the native thread runs a handler, and by a fork. A handler takes locks, such as that
#: of a buffered file, and a child would wait without end for one that this thread held.
no_fork = allocate_lock()

emitters = WeakSet()
thread_emitter = ThreadEmitter()
here = get_original("threading", "local")()


def use_thread():
    """Run no handlers in the hub of the current thread: it is an I/O thread's."""
    here.emitter = thread_emitter


def emitter_here():
    """The emitter for records that the current thread makes."""
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


def hub_here():
    """The hub of the current thread, or None."""
    local = sys.modules.get("gevent._hub_local")
    return None if local is None else local.get_hub_if_exists()


def flush(timeout=1.0):
    """Emit what is queued, here and now; wait for handlers that run, ``timeout`` seconds at most.

    For the interpreter's exit, and for tests."""
    for emitter in list(emitters):
        emitter.emit_all()
    waited = 0.0
    while thread_emitter.running and waited < timeout:
        real_sleep(0.001)
        waited += 0.001


def before_fork():
    """Let the handler that the native thread runs come to its end; not for ever, since it may wait
    for a lock of the program that is held here."""
    here.holds_no_fork = get_ident() != thread_emitter.thread and no_fork.acquire(
        True, FORK_PATIENCE
    )


def after_fork():
    """In the parent: handlers may run again."""
    if here.holds_no_fork:
        here.holds_no_fork = False
        no_fork.release()


def after_fork_child():
    """In a forked child: the records are the parent's, and its thread does not run here."""
    global no_fork
    no_fork = allocate_lock()
    thread_emitter.thread = 0
    for emitter in list(emitters):
        emitter.lock = allocate_lock()
        emitter.records.clear()
        emitter.running = False


os.register_at_fork(before=before_fork, after_in_parent=after_fork, after_in_child=after_fork_child)

"""Reports about programs that share a socket in a way that ZeroMQ forbids."""

import gc
import sys
import traceback

from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.wire.security.mechanism import SOCKET_TYPES

allocate_lock = get_original("_thread", "allocate_lock")

# Queued logging: the waiting thread may hold the lock of a handler that logs to this socket.
LOG = Log("zlinkcompat.core")

#: Held while :func:`stack_of` keeps the garbage collector off.
reading_frames = allocate_lock()


def report_two_threads(socket, waiting_thread):
    """Log, with both stacks, that the current thread uses a socket in which another waits.

    Parameters
    ----------
    socket : CoreSocket
    waiting_thread : int
        The identifier of the waiting native thread.
    """
    LOG.warning(
        "socket %#x (%s): thread %d uses it while thread %d waits in it. A socket belongs to one "
        "thread at a time: give each thread a socket of its own, or let one thread make all calls. "
        "This is logged once for a socket.\nThread %d waits here:\n%sThread %d calls here:\n%s",
        socket.address,
        SOCKET_TYPES[socket.socket_type].decode(),
        thread_ident(),
        waiting_thread,
        waiting_thread,
        format_stack(waiting_stack(socket, waiting_thread)),
        thread_ident(),
        format_stack(own_stack()),
    )


def report_mixed_frames(socket):
    """Log, with the stack, that a frame joins a message that another greenlet began."""
    LOG.warning(
        "socket %#x (%s): this frame is added to a message that another greenlet began with "
        "SNDMORE. If these are two messages, send each by send_multipart(), or hold a lock "
        "from the first frame to the last. This is logged once for a socket.\n%s",
        socket.address,
        SOCKET_TYPES[socket.socket_type].decode(),
        format_stack(own_stack()),
    )


def waiting_stack(socket, thread):
    """Return the stack of a call that waits in ``socket``; an empty list if it is over."""
    for waker in list(socket.mailbox.sleepers):
        # A waker in a hub belongs to a greenlet, whose frame is not the current one of its thread.
        greenlet = getattr(waker, "greenlet", None)
        if greenlet is not None and waker.thread == thread:
            return stack_from(greenlet.gr_frame)
    return stack_of(thread)


def own_stack():
    """Return the stack of the caller, as :func:`stack_of` does."""
    try:
        return stack_from(sys._getframe())
    except ValueError:
        # A greenlet that runs a compiled method has no Python frame.
        return []


def stack_of(thread):
    """Return the stack of a native thread as a list of (file, line, function), outermost first.

    The list is empty if the thread has no Python frame, or if another thread asks at this moment.

    The garbage collector is off during the call, because a collection can release the GIL. CPython
    3.11 holds the lock of its thread list while it makes the frame objects. If another thread then
    takes the GIL and wants that lock, the process deadlocks. The thread must not run either
    while its frames are followed. When compiled, nothing else in this function releases the GIL.
    """
    if not reading_frames.acquire(False):
        return []
    try:
        enabled = gc.isenabled()
        gc.disable()
        try:
            return stack_from(sys._current_frames().get(thread))
        finally:
            if enabled:
                gc.enable()
    finally:
        reading_frames.release()


def stack_from(frame):
    """Return the stack that ends with ``frame``, as :func:`stack_of` does."""
    found = []
    while frame is not None:
        code = frame.f_code
        found.append((code.co_filename, frame.f_lineno, code.co_name))
        frame = frame.f_back
    found.reverse()
    return found


def format_stack(stack):
    if not stack:
        # The greenlet runs a compiled method of the socket, or the call is over.
        return "  (no Python code)\n"
    lines = [(file, line, function, None) for file, line, function in stack]
    return "".join(traceback.StackSummary.from_list(lines).format())

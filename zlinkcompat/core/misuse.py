"""Reports of programs that share a socket in a way that ZeroMQ does not allow."""

import sys
import traceback

from zlinkcompat._runtime.log_queue import Log
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.wire.security.mechanism import SOCKET_TYPES

# Queued: the thread that waits may hold the lock of a handler which sends records by this socket.
LOG = Log("zlinkcompat.core")


def report_two_threads(socket, waiting_thread):
    """Log that the current thread uses a socket in which another thread waits, with both stacks.

    Parameters
    ----------
    socket : CoreSocket
    waiting_thread : int
        The number of the native thread that waits.
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
        format_stack(waiting_frame(socket, waiting_thread)),
        thread_ident(),
        format_stack(sys._getframe().f_back),
    )


def report_mixed_frames(socket):
    """Log that a frame is put into a message which another greenlet began, with the stack."""
    LOG.warning(
        "socket %#x (%s): a message that another greenlet began with SNDMORE gets the frame that "
        "is sent here. If these are two messages, send each by send_multipart(), or hold a lock "
        "from the first frame to the last. This is logged once for a socket.\n%s",
        socket.address,
        SOCKET_TYPES[socket.socket_type].decode(),
        format_stack(sys._getframe().f_back),
    )


def waiting_frame(socket, thread):
    """The innermost Python frame of a call that waits in ``socket``; None if the call is over."""
    for waker in list(socket.mailbox.sleepers):
        # One that waits in a hub is a greenlet, which is not what its thread runs now.
        greenlet = getattr(waker, "greenlet", None)
        if greenlet is not None and waker.thread == thread:
            return greenlet.gr_frame
    return sys._current_frames().get(thread)


def format_stack(frame):
    if frame is None:
        # A greenlet that runs a compiled method of the socket, or a call that is over.
        return "  (no Python code)\n"
    return "".join(traceback.format_stack(frame))

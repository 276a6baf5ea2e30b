"""Log reports about programs that share a socket in a way that ZeroMQ forbids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zlinkcompat._runtime.log_queue import Log
from zlinkcompat._runtime.stacks import format_stack, own_stack, stack_from, stack_of
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.wire.security.mechanism import SOCKET_TYPES

if TYPE_CHECKING:
    from zlinkcompat.core.socket import CoreSocket


# Log through a queue: the waiting thread may hold the lock of a logging handler that sends its
# records to this very socket.
LOG = Log("zlinkcompat.core")


def report_two_threads(socket: CoreSocket, waiting_thread: int) -> None:
    """Log, with both stacks, that this thread uses a socket in which another thread waits.

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


def report_mixed_frames(socket: CoreSocket) -> None:
    """Log, with the stack, that a greenlet adds a frame to a message that another one began."""
    LOG.warning(
        "socket %#x (%s): this frame is added to a message that another greenlet began with "
        "SNDMORE. If these are two messages, send each by send_multipart(), or hold a lock "
        "from the first frame to the last. This is logged once for a socket.\n%s",
        socket.address,
        SOCKET_TYPES[socket.socket_type].decode(),
        format_stack(own_stack()),
    )


def waiting_stack(socket: CoreSocket, thread: int) -> list[tuple[str, int, str]]:
    """Return the stack of the call that waits in ``socket``; an empty list if none waits now."""
    for waker in list(socket.mailbox.sleepers):
        # A waker in a hub belongs to a greenlet. While the greenlet waits, its frame is not the one
        # that sys._current_frames() has for its thread.
        greenlet = getattr(waker, "greenlet", None)
        if greenlet is not None and waker.thread == thread:
            return stack_from(greenlet.gr_frame)
    return stack_of(thread)

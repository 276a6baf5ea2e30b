"""Detect programs that use one socket in two threads, or mix the frames of two messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.core import misuse

if TYPE_CHECKING:
    from zlinkcompat.core.socket import CoreSocket


class ThreadCheck:
    """Knows which thread waits in a socket, and logs each kind of misuse once.

    libzmq does not protect a socket against use by two threads at a time. Here such use is safe,
    because with the GIL, two calls overlap only while one of them waits. But the same program would
    fail with libzmq, so the first such call is logged.

    Attributes
    ----------
    waiting_thread : int
        The identifier of the native thread that waits in the socket; 0 if no thread waits, or if
        the misuse was already reported.
    """

    def __init__(self) -> None:
        self.waiting_thread = 0
        self.waiting_calls = 0
        self.misuse_reported = False
        self.mixing_reported = False

    def enter_wait(self) -> None:
        """Record that the current thread begins to wait in a call of the socket."""
        self.waiting_calls += 1
        if self.waiting_calls == 1 and not self.misuse_reported:
            self.waiting_thread = thread_ident()

    def leave_wait(self) -> None:
        """Record that a wait is over. Call this in the thread that called :meth:`enter_wait`."""
        if self.waiting_calls > 1:
            self.waiting_calls -= 1
        else:
            self.waiting_calls = 0
            self.waiting_thread = 0

    def report_misuse(self, socket: Any) -> None:
        """Log, once, a call that is made while another thread waits in the socket.

        It is not misuse to give a socket to another thread, to guard a socket by a lock, or to use
        a socket in several greenlets of one thread."""
        thread = self.waiting_thread
        if thread and thread != thread_ident():
            self.misuse_reported = True
            self.waiting_thread = 0
            misuse.report_two_threads(socket, thread)

    def report_mixing(self, socket: CoreSocket) -> None:
        """Log, once, that a greenlet adds a frame to a message that another greenlet began."""
        if not self.mixing_reported:
            self.mixing_reported = True
            misuse.report_mixed_frames(socket)

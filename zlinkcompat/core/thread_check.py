"""Detect programs that use one socket in two threads, or mix the frames of two messages."""

from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.core import misuse


class ThreadCheck:
    """Knows which thread waits in a socket, and logs each kind of misuse once.

    libzmq does not protect a socket against use by two threads at a time. Here nothing breaks,
    because with the GIL, calls overlap only while one of them waits. The program would fail with
    libzmq, so the first such call is logged.

    Attributes
    ----------
    waiting_thread : int
        The number of the native thread that waits in the socket; 0 if none does, or if the misuse
        was reported already.
    """

    def __init__(self):
        self.waiting_thread = 0
        self.waiting_calls = 0
        self.misuse_reported = False
        self.mixing_reported = False

    def enter_wait(self):
        """Note that the current thread begins to wait in a call of the socket."""
        self.waiting_calls += 1
        if self.waiting_calls == 1 and not self.misuse_reported:
            self.waiting_thread = thread_ident()

    def leave_wait(self):
        """Note that a wait is over, in the thread that called :meth:`enter_wait`."""
        if self.waiting_calls > 1:
            self.waiting_calls -= 1
        else:
            self.waiting_calls = 0
            self.waiting_thread = 0

    def report_misuse(self, socket):
        """Log, once, a call that is made while another thread waits in the socket.

        It is not misuse to hand a socket on, to guard it by a lock, or to use it in several
        greenlets of one thread."""
        thread = self.waiting_thread
        if thread and thread != thread_ident():
            self.misuse_reported = True
            self.waiting_thread = 0
            misuse.report_two_threads(socket, thread)

    def report_mixing(self, socket):
        """Log, once, that a message gets frames from a greenlet that did not begin it."""
        if not self.mixing_reported:
            self.mixing_reported = True
            misuse.report_mixed_frames(socket)

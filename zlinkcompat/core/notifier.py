"""The descriptor behind ``zmq.FD``: readable when the socket's events may have changed."""

import os

from zlinkcompat._runtime.gevent_support import get_original

RLock = get_original("_thread", "RLock")
# gevent's closes at the next turn of the hub, which a program may not make for long.
close_fd = get_original("os", "close")


class Notifier:
    """A flag that a foreign event loop can watch as a file descriptor.

    Edge-triggered in libzmq's sense: whoever sees it readable must look at EVENTS, which clears
    it. Source: libzmq ``zmq_getsockopt(3)``, ZMQ_FD.
    """

    def __init__(self):
        if hasattr(os, "eventfd"):
            self.fd = self.write_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self.fd, self.write_fd = os.pipe()
            os.set_blocking(self.fd, False)
        self.signalled = False
        self.silenced = False
        # Any thread signals, and the descriptor may be closed meanwhile.
        self.lock = RLock()

    def signal(self):
        if not self.signalled:
            with self.lock:
                if not self.signalled and not self.silenced and self.fd >= 0:
                    self.signalled = True
                    os.write(self.write_fd, b"\1\0\0\0\0\0\0\0")

    def clear(self):
        if self.signalled:
            with self.lock:
                if self.signalled and self.fd >= 0:
                    self.signalled = False
                    os.read(self.fd, 8)

    def silence(self):
        """Keep the descriptor, but never let it become readable again.

        The socket is closed. A loop that still watches the descriptor would find it readable in
        every turn, since nothing clears it any more."""
        with self.lock:
            self.silenced = True
            self.clear()

    def close(self):
        with self.lock:
            fd, self.fd = self.fd, -1
            if fd >= 0:
                close_fd(fd)
                if self.write_fd != fd:
                    close_fd(self.write_fd)

    def after_fork_child(self):
        """In a forked child: put a descriptor of this process's own in the place of the parent's.

        The number stays in use: an event loop of the program that was forked along may still watch
        it, and libev ends the process for a watcher of a closed descriptor."""
        # Another thread may have held it, which nobody releases here.
        self.lock = RLock()
        if self.fd < 0:
            return
        self.signalled = False
        try:
            fresh = Notifier()
        except OSError:
            # No descriptor to be had: it is neither read nor written any more.
            self.signalled = True
            return
        os.dup2(fresh.fd, self.fd, inheritable=False)
        if self.write_fd != self.fd:
            os.dup2(fresh.write_fd, self.write_fd, inheritable=False)

    def __del__(self):
        self.close()

"""The descriptor of ``zmq.FD``, which is readable when the socket's events may have changed."""

import os

from zlinkcompat._runtime.gevent_support import get_original

RLock = get_original("_thread", "RLock")
# gevent's version closes only in a later loop iteration, which may be far off.
close_fd = get_original("os", "close")


class Notifier:
    """A flag that another event loop can watch as a file descriptor.

    It is edge-triggered in libzmq's sense: when it is readable, the program must read EVENTS, which
    clears it. Source: libzmq ``zmq_getsockopt(3)``, ZMQ_FD.
    """

    def __init__(self) -> None:
        if hasattr(os, "eventfd"):
            self.fd = self.write_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self.fd, self.write_fd = os.pipe()
            os.set_blocking(self.fd, False)
        self.signalled = False
        self.silenced = False
        # Any thread may signal, and the descriptor may be closed meanwhile.
        self.lock = RLock()

    def signal(self) -> None:
        if not self.signalled:
            with self.lock:
                if not self.signalled and not self.silenced and self.fd >= 0:
                    self.signalled = True
                    os.write(self.write_fd, b"\1\0\0\0\0\0\0\0")

    def clear(self) -> None:
        if self.signalled:
            with self.lock:
                if self.signalled and self.fd >= 0:
                    self.signalled = False
                    os.read(self.fd, 8)

    def silence(self) -> None:
        """Keep the descriptor, but never make it readable again.

        It is called when the socket is closed. A loop that still watches a readable descriptor
        would wake in every iteration, because nothing clears it any more."""
        with self.lock:
            self.silenced = True
            self.clear()

    def close(self) -> None:
        with self.lock:
            fd, self.fd = self.fd, -1
            if fd >= 0:
                close_fd(fd)
                if self.write_fd != fd:
                    close_fd(self.write_fd)

    def after_fork_child(self) -> None:
        """Replace the parent's descriptor by one of this process, in a forked child.

        The number stays in use. The program's event loop was forked as well and may still watch it,
        and libev aborts the process for a watcher of a closed descriptor."""
        # Create a new lock: another thread may have held the old one at the fork.
        self.lock = RLock()
        if self.fd < 0:
            return
        self.signalled = False
        try:
            fresh = Notifier()
        except OSError:
            # No descriptor is available: do not read or write the old one any more.
            self.signalled = True
            return
        os.dup2(fresh.fd, self.fd, inheritable=False)
        if self.write_fd != self.fd:
            os.dup2(fresh.write_fd, self.write_fd, inheritable=False)

    def __del__(self) -> None:
        self.close()

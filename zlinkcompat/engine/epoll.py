"""Pure-Python fallback of ``epoll.pyx``: a set of file descriptors, watched level-triggered."""

from __future__ import annotations

import select
from typing import Any

from zlinkcompat._runtime.gevent_support import get_original

#: Whether the system has epoll.
AVAILABLE = hasattr(select, "epoll")

READY_MAX = 64


class Epoll:
    """A set of file descriptors; see ``epoll.pyx``."""

    def __init__(self) -> None:
        self.set = get_original("select", "epoll")()
        self.fd = self.set.fileno()
        self.ready: list[Any] = []

    def change(self, fd: int, before: Any, mask: Any) -> None:
        """Watch ``fd`` for ``mask`` instead of ``before``; a mask of 0 stops watching."""
        if self.fd < 0 or before == mask:
            return
        if before == 0:
            self.set.register(fd, mask)
        elif mask:
            self.set.modify(fd, mask)
        else:
            try:
                self.set.unregister(fd)
            except OSError:
                pass  # the descriptor is closed already

    def wait(self) -> Any:
        """Check which descriptors are ready, and return their number."""
        self.ready = self.set.poll(0, READY_MAX) if self.fd >= 0 else []
        return len(self.ready)

    def has_ready(self) -> Any:
        """Tell whether a descriptor is ready."""
        return self.fd >= 0 and bool(self.set.poll(0, 1))

    def fd_at(self, index: Any) -> Any:
        """Return the descriptor that the last :meth:`wait` found at ``index``."""
        return self.ready[index][0] if index < len(self.ready) else -1

    def events_at(self, index: Any) -> Any:
        """Return the events that the last :meth:`wait` found at ``index``."""
        return self.ready[index][1] if index < len(self.ready) else 0

    def close(self) -> None:
        """Close the set. Repeated calls have no effect."""
        self.fd = -1
        self.ready = []
        self.set.close()

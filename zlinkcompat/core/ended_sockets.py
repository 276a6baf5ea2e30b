"""The counters of sockets that have ended, summed by socket type.

When its LINGER expires, a socket drops the rest of its messages and ends at once. Without these
sums nobody could see how many messages it dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat.routing.counts import Totals

if TYPE_CHECKING:
    from zlinkcompat.core.socket import CoreSocket


# A native lock, because I/O threads may end sockets.
RLock = get_original("_thread", "RLock")

_lock = RLock()
_totals: dict[int, Totals] = {}  # by socket type


def add(socket: CoreSocket) -> None:
    """Add the counters of a :class:`CoreSocket` that has ended completely."""
    with _lock:
        totals = _totals.get(socket.socket_type)
        if totals is None:
            totals = _totals[socket.socket_type] = Totals()
        totals.add_totals(socket.pattern.totals)


def by_type() -> dict[int, Totals]:
    """Return a dict that maps a socket type (int) to its Totals."""
    return dict(_totals)

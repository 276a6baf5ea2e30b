"""The counters of sockets that are gone, summed by socket type.

A socket drops messages for the last time when its LINGER is over, which is the moment when it ends.
Without these sums nobody could ever see that count.
"""

from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat.routing.counts import Totals

# Native, because I/O threads end sockets as well.
RLock = get_original("_thread", "RLock")

_lock = RLock()
_totals = {}  # socket type (int) -> Totals


def add(socket):
    """Add the counters of a core socket that has ended completely."""
    with _lock:
        totals = _totals.get(socket.socket_type)
        if totals is None:
            totals = _totals[socket.socket_type] = Totals()
        totals.add_totals(socket.pattern.totals)


def by_type():
    """Return a dict of socket type (int) to Totals."""
    return dict(_totals)

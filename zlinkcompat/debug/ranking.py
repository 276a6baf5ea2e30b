"""The order of peers in which an operator looks at them: worst first."""

from __future__ import annotations

from collections.abc import Iterable

from zlinkcompat.debug.records import PeerRecord


def fill(peer: PeerRecord) -> float:
    """Return how full the fuller queue of a peer is: 0.0 is empty, 1.0 is at its high-water mark.

    A queue without a limit is never full.
    """
    return max(
        queued / hwm if hwm else 0.0
        for queued, hwm in ((peer.queued_in, peer.hwm_in), (peer.queued_out, peer.hwm_out))
    )


def badness(peer: PeerRecord) -> tuple[float, ...]:
    """Return a key that is greater for a peer that is worse.

    A full queue and a peer that does not read come first, because they drop or block. Then the age
    of what waits counts, then drops in the past, and then what waits at all.
    """
    return (
        float(fill(peer) >= 1.0 or peer.waits_for == "peer to read"),
        max(peer.oldest_waiting, peer.oldest_unread),
        float(sum(peer.drops.values())),
        fill(peer),
        float(peer.queued_out + peer.queued_in),
    )


def worst_first(peers: Iterable[PeerRecord]) -> list[PeerRecord]:
    """Return the peers sorted, worst first; equally bad ones in the order of their connections.

    .. versionadded:: 0.1

    Parameters
    ----------
    peers : iterable of PeerRecord
        Peers of one or of several sockets.

    Returns
    -------
    list of PeerRecord
        The same records.
    """
    return sorted(peers, key=lambda peer: (*(-part for part in badness(peer)), peer.connection))

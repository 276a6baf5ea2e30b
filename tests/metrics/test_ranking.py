"""Peers are sorted so that the worst is first."""

from records import peer

from zlinkcompat.debug.ranking import fill, worst_first


def order(**peers):
    """Return the names of the peers, worst first.

    The peers are sorted from the reverse order. So peers that compare as equal stay reversed, and
    a test notices that.
    """
    named = {id(each): name for name, each in peers.items()}
    return [named[id(each)] for each in worst_first(reversed(peers.values()))]


def test_full_queue_is_worst_then_age_then_drops():
    assert order(
        full=peer(queued_out=50, hwm_out=50, oldest_waiting=1.0),
        old=peer(queued_out=1, hwm_out=50, oldest_waiting=30.0),
        unread=peer(queued_in=1, hwm_in=50, oldest_unread=20.0),
        dropped=peer(hwm_out=50, drops={"hwm": 5}),
        fuller=peer(queued_out=5, hwm_out=50),
        emptier=peer(queued_out=40, hwm_out=1000),
        idle=peer(hwm_out=50),
    ) == ["full", "old", "unread", "dropped", "fuller", "emptier", "idle"]


def test_queue_without_a_limit_is_never_full():
    assert fill(peer(queued_out=1_000_000, hwm_out=0)) == 0.0


def test_equal_peers_are_in_the_order_of_connections():
    peers = [peer(connection=number) for number in (3, 1, 2)]
    assert [each.connection for each in worst_first(peers)] == [1, 2, 3]

"""A wake-up reaches who sleeps, and never a greenlet that does something else by now."""

import gevent
import pytest

from zlinkcompat.engine.waker import HubWaker


def test_woken_before_it_sleeps():
    waker = HubWaker()
    waker.wake()
    assert waker.sleep(5) is True


@pytest.mark.parametrize("by", ["itself", "a greenlet", "a thread"])
def test_woken_but_never_sleeps(by):
    """poll() does so when it finds something just after it said that it waits."""
    waker = HubWaker()
    if by == "itself":
        waker.wake()
    elif by == "a greenlet":
        gevent.spawn(waker.wake).join()
    else:
        gevent.get_hub().threadpool.apply(waker.wake)
    gevent.sleep(0.001)  # InvalidSwitchError, were this greenlet switched to


def test_woken_while_it_sleeps():
    waker = HubWaker()
    gevent.spawn(waker.wake)
    assert waker.sleep(5) is True
    gevent.sleep(0.001)


def test_a_late_wake_up():
    waker = HubWaker()
    assert waker.sleep(0) is False
    waker.wake()
    gevent.sleep(0.001)

"""A wake-up wakes the greenlet that waits for it, and never one that has stopped waiting."""

import errno
from pathlib import Path

import gevent
import pytest
import zmq

from zlinkcompat.engine.waker import HubWaker, WaitList


def test_woken_before_it_sleeps():
    waker = HubWaker()
    waker.wake()
    assert waker.sleep(5) is True


@pytest.mark.parametrize("by", ["itself", "a greenlet", "a thread"])
def test_woken_but_never_sleeps(by):
    """A waker may be woken although it never sleeps.

    This happens if poll() finds an event just after it has registered its waker.
    """
    waker = HubWaker()
    if by == "itself":
        waker.wake()
    elif by == "a greenlet":
        gevent.spawn(waker.wake).join()
    else:
        gevent.get_hub().threadpool.apply(waker.wake)
    gevent.sleep(0.001)  # raises InvalidSwitchError if the wake-up switches to this greenlet


def test_woken_while_it_sleeps():
    waker = HubWaker()
    gevent.spawn(waker.wake)
    assert waker.sleep(5) is True
    gevent.sleep(0.001)


def test_wake_up_after_the_sleep_has_no_effect():
    waker = HubWaker()
    assert waker.sleep(0) is False
    waker.wake()
    gevent.sleep(0.001)


PROGRAM = Path(__file__).parent / "programs" / "close_in_window.py"


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("ends, number", [("close", errno.ENOTSOCK), ("term", zmq.ETERM)])
@pytest.mark.parametrize("waits", ["recv", "send", "poll", "proxy"])
@pytest.mark.parametrize("engine", ["hub", "thread"])
def test_socket_ends_before_the_waker_is_listed(engine, waits, ends, number, step, program):
    """A wait that has listed its waker re-checks its condition, so no greenlet sleeps forever."""
    said = program(PROGRAM.read_text(), waits, ends, step, engine=engine).ends()
    assert said == f"[{int(number)}]\n"


def test_notify_all_reaches_wakers_added_meanwhile():
    class Comes(HubWaker):
        def wake(self):
            waiting.wakers.append(later)
            super().wake()

    waiting, later = WaitList(), HubWaker()
    first = Comes()
    waiting.wakers.append(first)
    waiting.notify_all()
    assert not waiting.wakers
    assert later.sleep(5) is True


def test_wait_returns_if_the_condition_is_already_true():
    waiting = WaitList()
    assert waiting.wait(HubWaker(), -1.0, lambda: True) is True
    assert waiting.wait(HubWaker(), 0.0, lambda: False) is False
    assert not waiting.wakers

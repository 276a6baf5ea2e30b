"""Calls into a hub from other threads: in order, none lost, and the loop's books stay right."""

import threading

import gevent
import gevent.event
import pytest
from guard import GUARD

from zlinkcompat.engine.callbacks import bell_of


@pytest.fixture
def bell(no_descriptor_is_left):
    return bell_of(gevent.get_hub())


def from_a_thread(run):
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_calls_come_in_order(bell):
    got = []
    done = gevent.event.Event()

    def run():
        for number in range(1000):
            bell.call(got.append, number)
        bell.call(done.set)

    thread = from_a_thread(run)
    assert done.wait(GUARD)
    thread.join()
    assert got == list(range(1000))


def test_one_that_fails_costs_no_other(bell, unexpected):
    done = gevent.event.Event()

    def run():
        bell.call(divmod, 1, 0)
        bell.call(done.set)

    thread = from_a_thread(run)
    assert done.wait(GUARD)
    thread.join()
    assert type(unexpected.errors.pop()) is ZeroDivisionError


def test_who_calls_does_not_count_the_loops_references(bell):
    """The loop counts them without the interpreter's lock: one count of ours more or less, and it
    ends with greenlets asleep. So gevent's ``run_callback_threadsafe`` did, once in a second."""
    before = bell.hub.loop.activecnt
    from_a_thread(lambda: bell.call(int)).join()  # the loop does not run meanwhile
    assert bell.hub.loop.activecnt == before

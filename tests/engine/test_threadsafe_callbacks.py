"""Calls into a hub from other threads run in order, and none is lost."""

import threading

import gevent
import gevent.event
import pytest
from guard import GUARD

from zlinkcompat.engine.callbacks import threadsafe_callbacks


@pytest.fixture
def callbacks(no_descriptor_is_left):
    return threadsafe_callbacks(gevent.get_hub())


def from_a_thread(run):
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_calls_run_in_order(callbacks):
    got = []
    done = gevent.event.Event()

    def run():
        for number in range(1000):
            callbacks.call(got.append, number)
        callbacks.call(done.set)

    thread = from_a_thread(run)
    assert done.wait(GUARD)
    thread.join()
    assert got == list(range(1000))


def test_failing_call_does_not_prevent_the_next(callbacks, unexpected):
    done = gevent.event.Event()

    def run():
        callbacks.call(divmod, 1, 0)
        callbacks.call(done.set)

    thread = from_a_thread(run)
    assert done.wait(GUARD)
    thread.join()
    assert type(unexpected.errors.pop()) is ZeroDivisionError


def test_calls_leave_the_loop_reference_count_alone(callbacks):
    """A call from another thread does not change the reference count of the loop.

    The loop changes this count without holding the GIL. If another thread changed it as well, an
    update could be lost, and the loop would end while greenlets sleep. With gevent's
    ``run_callback_threadsafe`` this happened about once a second.
    """
    before = callbacks.hub.loop.activecnt
    from_a_thread(lambda: callbacks.call(int)).join()  # a native join: the loop does not run
    assert callbacks.hub.loop.activecnt == before

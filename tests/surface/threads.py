"""Run native threads beside the hub: the hub runs while a test waits for a thread."""

import threading
from contextlib import contextmanager

import gevent
import gevent.event
from guard import GUARD


@contextmanager
def in_thread(call):
    """Run ``call`` in a native thread; yield ``ended()``.

    ``ended()`` waits for the thread while the hub runs. It returns True if the call has returned
    without an error.
    """
    returned = []
    finished = gevent.get_hub().loop.async_()

    def work():
        try:
            call()
            returned.append(True)
        finally:
            finished.send()

    waiter = gevent.event.Event()
    finished.start(waiter.set)
    thread = threading.Thread(target=work)
    thread.start()

    def ended():
        waiter.wait(GUARD)
        return bool(returned)

    try:
        yield ended
    finally:
        waiter.wait(GUARD)
        finished.stop()
        finished.close()
        thread.join(GUARD)

"""The private interfaces that docs/internals/private-apis.md lists still exist.

They belong to other packages. Each test uses an interface in the way that our package does. So if
an interface changes, the test with its name fails.
"""

import asyncio
import asyncio.events
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import gevent
import gevent._hub_local
import gevent.hub
import pytest
import zmq._future
import zmq.asyncio
from zmq.sugar.attrsettr import AttributeSetter
from zmq.sugar.tracker import _FINISHED_TRACKER, MessageTracker
from zmq.utils.garbage import gc, gcref

PACKAGE = Path(__file__).parents[2] / "zlinkcompat"
PAGE = PACKAGE.parent / "docs" / "internals" / "private-apis.md"

#: Maps each interface of the page to a text that must occur in our sources.
USES = {
    "loop._callbacks": "loop._callbacks",
    "hub._threadpool": "hub._threadpool",
    "Hub.run": "hub.run = ",
    "_hub_local.get_hub_if_exists": "get_hub_if_exists",
    "events._get_running_loop": "_get_running_loop",
    "sys._getframe": "sys._getframe",
    "_ssl": '"_ssl"',
    "_future._AsyncSocket": "_AsyncSocket",
    "sugar.tracker._FINISHED_TRACKER": "_FINISHED_TRACKER",
    "utils.garbage.gc.refs": "zmq.utils.garbage",
    "sugar.attrsettr.AttributeSetter": "AttributeSetter",
}


@pytest.mark.parametrize("interface", USES)
def test_page_lists_what_the_package_uses(interface):
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    assert USES[interface] in sources
    assert f"`{interface}`" in PAGE.read_text()


def test_gevent_loop_lists_callbacks_that_are_due():
    """Check this in a new hub, because callbacks of earlier tests may be due in the present one."""
    found = []

    def check():
        loop = gevent.get_hub().loop
        found.append(bool(loop._callbacks))
        callback = loop.run_callback(lambda: None)
        found.append(bool(loop._callbacks))
        callback.stop()

    thread = threading.Thread(target=check)
    thread.start()
    thread.join()
    assert found == [False, True]


def test_gevent_hub_keeps_its_thread_pool():
    hub = gevent.get_hub()
    pool = hub.threadpool
    assert hub._threadpool is pool and callable(pool.kill)


def test_gevent_hub_runs_an_attribute_of_its_own():
    """When a hub starts, its greenlet calls the ``run`` that is an attribute of the instance."""
    ran = []

    def start():
        hub = gevent.get_hub()

        def run():
            ran.append(type(hub))
            del hub.run
            return type(hub).run(hub)

        hub.run = run
        gevent.sleep(0)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert ran == [gevent.hub.Hub]


def test_gevent_tells_whether_a_thread_has_a_hub():
    found = []
    thread = threading.Thread(target=lambda: found.append(gevent._hub_local.get_hub_if_exists()))
    thread.start()
    thread.join()
    assert found == [None]
    assert gevent._hub_local.get_hub_if_exists() is gevent.get_hub()


def test_asyncio_returns_the_running_loop_or_none():
    async def running():
        return asyncio.events._get_running_loop() is asyncio.get_running_loop()

    assert asyncio.run(running())
    assert asyncio.events._get_running_loop() is None


def test_cpython_shows_frames_and_has_tls():
    assert sys._getframe().f_code.co_name == "test_cpython_shows_frames_and_has_tls"
    assert threading.get_ident() in sys._current_frames()
    assert find_spec("_ssl") is not None


def test_pyzmq_asynchronous_socket_has_its_hooks():
    for name in ("_add_recv_event", "_add_send_event", "_deserialize"):
        assert callable(getattr(zmq._future._AsyncSocket, name))

    async def attributes():
        with zmq.asyncio.Context() as context, context.socket(zmq.PAIR) as sock:
            return len(sock._recv_futures), len(sock._send_futures), sock._shadow_sock.socket_type

    assert asyncio.run(attributes()) == (0, 0, zmq.PAIR)


def test_pyzmq_tracks_buffers():
    assert isinstance(_FINISHED_TRACKER, MessageTracker) and _FINISHED_TRACKER.done
    assert isinstance(gc.refs, dict)
    event = threading.Event()
    assert gcref(b"buffer", event) == (b"buffer", event)


def test_pyzmq_sets_options_by_attribute():
    assert callable(AttributeSetter.__setattr__)
    assert AttributeSetter.__setattr__ is not object.__setattr__

"""The private interfaces that docs/internals/private-apis.md lists still exist.

They belong to other packages. Each test uses an interface in the way that our package does. So if
an interface changes, the test with its name fails.
"""

import ast
import asyncio
import asyncio.events
import re
import socket
import ssl
import subprocess
import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import gevent
import gevent._hub_local
import gevent.hub
import gevent.threadpool
import pytest
import zmq._future
import zmq.asyncio
import zmq.constants
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
    "hub.MAIN_THREAD_IDENT": "hub.MAIN_THREAD_IDENT",
    "threadpool._WorkerGreenlet": "_WorkerGreenlet",
    "_watcher_ref": "_watcher_ref",
    "socket._accept": "._accept()",
    "SSLObject._sslobj": "_sslobj",
    "ModuleSpec._initializing": "_initializing",
    "_signal": "from _signal import",
    "_future._AsyncSocket._handle_recv": "_handle_recv",
    "constants.SocketOption._opt_type": "_opt_type",
    "asyncio._selectors": "_selectors",
    "_sodium.ffi": "_sodium.ffi",
}


@pytest.mark.parametrize("interface", USES)
def test_page_lists_what_the_package_uses(interface):
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    assert USES[interface] in sources
    assert f"`{interface}`" in PAGE.read_text()


#: Names with an underscore that are documented, or that are ours although only a text has them.
NOT_PRIVATE = {
    *("_thread", "_is_gil_enabled"),  # documented
    *("_bench", "_cli", "_pyinstaller", "_constants", "_info", "_total"),  # ours
    *("_typing", "_version"),  # modules of pyzmq that import_hooks leaves alone
    "_backend",  # how some modules call zmq.backend, and how others call our package
}


def underscored_names():
    """Return the names with an underscore that our sources use and do not define."""
    used, ours = set(), set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case (
                    ast.FunctionDef(name=name)
                    | ast.AsyncFunctionDef(name=name)
                    | ast.ClassDef(name=name)
                ):
                    ours.add(name)
                case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                    ours.add(name)
                case ast.Attribute(attr=name):
                    used.add(name)
                case ast.ImportFrom(module=module, names=names):
                    used.update(alias.name for alias in names)
                    if not module.startswith("zlinkcompat"):
                        used.update(module.split("."))
                case ast.Constant(value=str(text)) if re.fullmatch(r"[\w. ]+", text):
                    # The argument of getattr, or of copy_methods.
                    used.update(re.findall(r"(?<!\w)_\w+", text))
    return {name for name in used - ours if re.match("_[A-Za-z]", name)}


def test_page_lists_all_underscored_names_of_others():
    page = PAGE.read_text()
    missing = {name for name in underscored_names() if not re.search(rf"[.`]{name}[.`]", page)}
    assert missing - NOT_PRIVATE == set()


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


def test_gevent_names_the_main_thread_and_the_greenlets_of_its_pool():
    assert threading.main_thread().ident == gevent.hub.MAIN_THREAD_IDENT
    pool = gevent.get_hub().threadpool
    assert isinstance(pool.apply(gevent.getcurrent), gevent.threadpool._WorkerGreenlet)


def test_gevent_watchers_of_libuv_share_a_handle():
    program = """
import socket, gevent
one, other = socket.socketpair()
handle = gevent.get_hub().loop.io(one.fileno(), 1, ref=False)._watcher_ref
handle.ref = False
print(handle.ref)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={"GEVENT_LOOP": "libuv"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == "False\n", ran.stderr


def test_cpython_sockets_accept_descriptors():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            fd, name = super(type(server), server)._accept()
            with socket.socket(fileno=fd):
                assert name == client.getsockname()


def test_cpython_tls_objects_have_an_inner_object():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    assert callable(tls._sslobj.read) and callable(tls._sslobj.write)


def test_cpython_marks_modules_during_their_import(tmp_path, monkeypatch):
    (tmp_path / "imports_itself.py").write_text("seen = __spec__._initializing")
    monkeypatch.syspath_prepend(tmp_path)
    module = import_module("imports_itself")
    monkeypatch.delitem(sys.modules, "imports_itself")
    assert module.seen and not getattr(module.__spec__, "_initializing", False)


def test_cpython_has_signal_functions_in_c():
    import _signal

    assert _signal.NSIG > 0
    assert not hasattr(_signal.getsignal, "__code__")


def test_pyzmq_knows_the_types_of_options():
    types = zmq.constants._OptType
    assert zmq.constants.SocketOption.ROUTING_ID._opt_type is types.bytes
    assert zmq.constants.SocketOption.AFFINITY._opt_type is types.int64


def test_pyzmq_classes_have_the_methods_that_ours_take():
    for name in ("_connect_cm", "_bind_cm"):
        assert callable(getattr(zmq.sugar.socket.Socket, name))
    for name in ("_add_socket", "_rm_socket", "_set_attr_opt", "_get_attr_opt"):
        assert callable(getattr(zmq.sugar.context.Context, name))
    assert callable(zmq._future._AsyncSocket._handle_recv)
    assert hasattr(zmq.asyncio, "_selectors")


def test_pynacl_has_the_functions_of_libsodium():
    sodium = pytest.importorskip("nacl._sodium")
    assert sodium.ffi.addressof(sodium.lib, "crypto_box_easy_afternm")

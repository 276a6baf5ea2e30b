"""Which modules our package loads in addition to those that pyzmq loads on libzmq.

We test ``import zmq`` on our backend, and ``import zlinkcompat``.
"""

from pathlib import Path

import pytest
from programs import python

HERE = Path(__file__).parent

#: Modules that the import, a context and inproc sockets may load in addition: short modules of the
#: standard library, and greenlet, which has one extension module. ``logging`` may not be among
#: them: it takes 5 ms and 700 KiB with what it loads.
LIGHT = {
    "_weakrefset", "copy", "gc", "greenlet", "importlib", "select", "signal", "cython_runtime",
}  # fmt: skip

#: Modules that the first tcp endpoint must not load, since only CURVE, TLS, WebSocket, names of
#: network interfaces and international host names need them.
NOT_FOR_TCP = {
    "_hashlib", "_ssl", "ctypes", "encodings.idna", "nacl", "ssl", "stringprep", "tempfile",
    "wsproto", "gevent.monkey", "gevent.socket", "gevent.threadpool", "pprint", "dataclasses",
    "inspect", "selectors", "base64", "zlinkcompat.wire.ws.frames",
    "zlinkcompat.wire.security.curve_codec", "zlinkcompat.wire.security.plain",
}  # fmt: skip


def loaded(library, what, backend=None):
    done = python(HERE / "loaded.py", library, what, PYZMQ_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


BOTH = pytest.mark.parametrize(
    "library, backend",
    [
        ("zmq", "zlinkcompat.backend"),
        ("zlinkcompat", None),
    ],
    ids=["backend", "swap"],
)


@BOTH
def test_an_unpatched_program_does_not_load_gevent(library, backend):
    added = loaded(library, "import", backend) - loaded("zmq", "import")
    foreign = {name for name in added if not name.startswith(("zlinkcompat", "zmq", "_cython"))}
    assert {name.partition(".")[0] for name in foreign} <= LIGHT
    assert "zlinkcompat.engine.connection" not in added


@BOTH
def test_tcp_endpoint_loads_only_used_modules(library, backend):
    added = loaded(library, "bind", backend)
    assert "gevent.hub" in added
    assert added & NOT_FOR_TCP == set()


def test_endpoint_loads_modules_of_its_connections_early():
    """An endpoint loads the modules of its connections when it is bound.

    Later, the process may have no descriptor left to read a module.
    """
    plain = loaded("zlinkcompat", "bind")
    curve = loaded("zlinkcompat", "bind_curve") - plain
    assert {"curve", "curve_codec"} <= {name.rpartition(".")[2] for name in curve}
    ws = loaded("zlinkcompat", "bind_ws") - plain
    assert {"ws_protocol", "upgrade"} <= {name.rpartition(".")[2] for name in ws}


def test_first_use_in_a_thread_keeps_gevents_main_thread():
    done = python(HERE / "worker_binds_first.py")
    assert (done.stdout, done.stderr) == ("watched\n", "")

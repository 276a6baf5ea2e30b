"""Our errors say what failed and what to do.

Their class, their errno and the start of their text are the same as pyzmq's.
"""

import os
import threading

import pytest
import zmq as pyzmq
from programs import python, run

import zlinkcompat as zmq


@pytest.fixture
def context():
    with zmq.Context() as context:
        yield context
        context.destroy(linger=0)


def failed(call, *args, errno):
    """Return the ZMQError that ``call`` raises, which must have this errno."""
    with pytest.raises(zmq.ZMQError) as caught:
        call(*args)
    assert caught.value.errno == errno
    assert str(caught.value).startswith(pyzmq.strerror(errno))
    return caught.value


@pytest.mark.parametrize("flags", [0, zmq.NOBLOCK])
def test_again_names_the_expired_timeout(context, flags):
    """A note of the error names the timeout. The text is unchanged, since programs compare it."""
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    push.sndtimeo = pull.rcvtimeo = 10
    for call, operation in (
        (lambda: push.send(b"", flags), "SNDTIMEO"),
        (lambda: push.send_multipart([b"", b""], flags), "SNDTIMEO"),
        (lambda: pull.recv(flags), "RCVTIMEO"),
        (lambda: pull.recv_multipart(flags), "RCVTIMEO"),
    ):
        error = failed(call, errno=zmq.EAGAIN)
        assert type(error) is zmq.Again and str(error) == os.strerror(zmq.EAGAIN)
        assert any(operation in note for note in error.__notes__)


def test_context_terminated_error_has_pyzmqs_text(context):
    sock = context.socket(zmq.PULL)
    end = threading.Thread(target=context.term)
    end.start()
    error = failed(sock.recv, errno=zmq.ETERM)
    sock.close()
    end.join()
    assert type(error) is zmq.ContextTerminated and str(error) == pyzmq.strerror(zmq.ETERM)
    assert "close this socket" in error.__notes__[0]


def test_req_and_rep_errors_name_the_operation(context):
    req, rep = context.socket(zmq.REQ), context.socket(zmq.REP)
    rep.bind("inproc://turns")
    req.connect("inproc://turns")
    assert "recv on REQ" in str(failed(req.recv, errno=zmq.EFSM))
    assert "send on REP" in str(failed(rep.send, b"", errno=zmq.EFSM))
    req.send_multipart([b"1", b"2"])
    assert "send on REQ" in str(failed(req.send, b"", errno=zmq.EFSM))
    rep.recv()
    assert "frames left" in str(failed(rep.send, b"", errno=zmq.EFSM))
    rep.recv()
    assert "recv on REP" in str(failed(rep.recv, errno=zmq.EFSM))


@pytest.mark.parametrize(
    "kind, options", [(zmq.ROUTER, {zmq.ROUTER_MANDATORY: 1}), (zmq.STREAM, {})]
)
def test_unroutable_error_names_the_peer(context, kind, options):
    sock = context.socket(kind)
    for option, value in options.items():
        sock.set(option, value)
    error = failed(sock.send_multipart, [b"nobody", b"data"], errno=zmq.EHOSTUNREACH)
    assert "b'nobody'" in str(error)


def test_closed_socket_error_says_so(context):
    sock = context.socket(zmq.PAIR)
    sock.close()
    for call in (sock.recv, lambda: sock.send(b""), sock.recv_multipart, lambda: sock.linger):
        assert "the socket is closed" in str(failed(call, errno=zmq.ENOTSOCK))


def test_bind_error_names_the_missing_folder(context, tmp_path):
    sock = context.socket(zmq.PAIR)
    error = failed(
        sock.bind,
        f"ipc://{tmp_path}/no/such/socket",
        errno=zmq.ENOENT if hasattr(zmq, "ENOENT") else 2,
    )
    assert repr(f"{tmp_path}/no/such") in str(error)


@pytest.mark.parametrize("method", ["bind", "connect"])
def test_port_above_65535_warns(context, method):
    with pytest.warns(RuntimeWarning, match="65537 counts as 1"):
        try:
            getattr(context.socket(zmq.PULL), method)("tcp://127.0.0.1:65537")
        except zmq.ZMQError:
            pass  # without privileges a user cannot bind port 1


@pytest.mark.parametrize("kind", ["PUB", b"PUB", "", None, []], ids=repr)
def test_socket_type_as_string_is_refused(context, kind):
    with pytest.raises(TypeError, match=r"such as zmq\.PUB"):
        context.socket(kind)


@pytest.mark.parametrize(
    "name, value, advice",
    [
        ("ZLINK_BUSY_POL", "5", "did you mean ZLINK_BUSY_POLL?"),
        ("ZMQ_ASIO_LAZY_COMPAKT", "0", "did you mean ZMQ_ASIO_LAZY_COMPACT?"),
        ("ZLINK_QUITE_DIFFERENT_THING", "1", "there is no such setting"),
    ],
)
def test_misspelt_setting_warns_once(name, value, advice):
    done = python("-c", "import zlinkcompat as zmq; zmq.Context(); zmq.Context()", **{name: value})
    assert done.returncode == 0
    assert done.stderr.count(f"{name}='{value}' has no effect: {advice}") == 1


def test_valid_setting_does_not_warn():
    assert (
        run(
            """
        import warnings
        warnings.simplefilter("error")
        import zlinkcompat as zmq
        zmq.Context()
    """,
            ZLINK_BUSY_POLL="5",
            ZLINK_ENGINE="thread",
        )
        == ""
    )


def test_package_name_as_backend_is_explained():
    done = python("-c", "import zmq", PYZMQ_BACKEND="zlinkcompat")
    assert done.stderr.splitlines()[-1] == (
        "ImportError: PYZMQ_BACKEND=zlinkcompat: the backend is PYZMQ_BACKEND=zlinkcompat.backend"
    )


@pytest.mark.parametrize(
    "library, backend",
    [
        ("zmq", "zlinkcompat.backend"),
        ("zlinkcompat", None),
    ],
    ids=["backend", "swap"],
)
def test_bind_errors_name_the_address_once(library, backend):
    out = run(
        f"""
        import {library} as zmq
        sock = zmq.Context().socket(zmq.PAIR)
        for call in (sock.bind, sock.connect):
            for addr in ("tcp://127.0.0.1:x", b"tcp://127.0.0.1:x", "foo://x", "nothing"):
                try:
                    call(addr)
                except zmq.ZMQError as error:
                    text = addr if isinstance(addr, str) else addr.decode()
                    print(str(error).count(text))
    """,
        PYZMQ_BACKEND=backend,
    )
    assert out == "1\n" * 8


@pytest.mark.parametrize("size", [8, 100_000])
def test_non_contiguous_numpy_array_is_refused(context, size):
    """As in pyzmq, a call that copies the array raises numpy's own error."""
    array = pytest.importorskip("numpy").zeros((size, 2), dtype="u1")[:, 0]
    sock = context.socket(zmq.PAIR)
    for call in (
        sock.send,
        lambda data: sock.send_multipart([b"", data]),
        zmq.Frame,
        lambda data: zmq.Frame(data, copy=False),
    ):
        with pytest.raises(ValueError, match=r"not C?-?contiguous"):
            call(array)
    with pytest.raises(BufferError):
        sock.send(array, copy=False)

"""``recv_pyobj`` warns on sockets that peers can reach without authentication."""

import errno
import ssl
import warnings
from pathlib import Path

import pytest
from certificates import use
from programs import python

import zlinkcompat as zmq
from zlinkcompat import tuning
from zlinkcompat._pyzmq import pickle_guard

PROGRAM = Path(__file__).parent / "processes" / "recv_pyobj.py"


@pytest.fixture(autouse=True)
def not_warned_yet(monkeypatch):
    monkeypatch.setattr(pickle_guard, "_warned", False)


def warned(pull, push):
    """Receive one object; return whether that produced a warning."""
    push.send_pyobj([1])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert pull.recv_pyobj() == [1]
    return [each.category for each in caught] == [RuntimeWarning]


@pytest.fixture
def meet(make):
    """``meet("tcp://127.0.0.1:*", option=value)`` returns a bound PULL, and a PUSH as its peer."""

    def meet(endpoint, peer=None, **options):
        pull, push = make(zmq.PULL), make(zmq.PUSH)
        for sock, chosen in ((pull, options), (push, peer or {})):
            for name, value in chosen.items():
                setattr(sock, name, value)
        pull.bind(endpoint)
        push.connect(pull.last_endpoint.decode())
        return pull, push

    return meet


@pytest.mark.parametrize("scheme", ["tcp", "ws"])
def test_an_open_bind_warns_once(meet, scheme):
    ends = meet(f"{scheme}://127.0.0.1:*")
    assert warned(*ends)
    assert not warned(*ends)
    assert not warned(*meet(f"{scheme}://127.0.0.1:*"))


def test_the_warning_names_the_endpoint_and_the_setting(meet):
    pull, push = meet("tcp://127.0.0.1:*")
    push.send_pyobj(1)
    endpoint = pull.last_endpoint.decode()
    with pytest.warns(RuntimeWarning, match=f"{endpoint}.*ZLINK_RECV_PYOBJ=1") as caught:
        pull.recv_pyobj()
    assert caught[0].filename == __file__


def test_ipc_and_inproc_do_not_warn(meet, tmp_path):
    for endpoint in (f"ipc://{tmp_path}/socket", "inproc://pickles"):
        assert not warned(*meet(endpoint))


def test_the_connecting_side_does_not_warn(make):
    pull, push = make(zmq.PULL), make(zmq.PUSH)
    push.bind("tcp://127.0.0.1:*")
    pull.connect(push.last_endpoint.decode())
    assert not warned(pull, push)


def test_peers_with_keys_do_not_warn(meet):
    public, secret = zmq.curve_keypair()
    peer = {"curve_publickey": public, "curve_secretkey": secret, "curve_serverkey": public}
    ends = meet("tcp://127.0.0.1:*", peer, curve_server=1, curve_secretkey=secret)
    assert not warned(*ends)


@pytest.mark.parametrize("required", [0, 1])
def test_tls_warns_unless_it_requires_client_certificates(make, required):
    pull, push = make(zmq.PULL), make(zmq.PUSH)
    use(pull)
    use(push)
    pull.tls_require_client_cert = required
    pull.bind("tls://127.0.0.1:*")
    push.connect(pull.last_endpoint.decode())
    assert warned(pull, push) == (not required)


@pytest.mark.parametrize("mode", [ssl.CERT_NONE, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED])
def test_a_context_of_the_program_warns_unless_it_requires_them(make, mode):
    pull = make(zmq.PULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = mode
    pull.ssl_context = context
    pull.bind("tls://127.0.0.1:*")
    (listener,) = pull.core.endpoints.listeners.values()
    assert pickle_guard.is_open(listener) == (mode != ssl.CERT_REQUIRED)


def test_option_allows_pickles(make):
    pull, push = make(zmq.PULL), make(zmq.PUSH)
    pull.setsockopt(tuning.RECV_PYOBJ, 1)
    pull.bind("tcp://127.0.0.1:*")
    push.connect(pull.last_endpoint.decode())
    assert not warned(pull, push)


def test_environment_forbids_before_receiving_a_message(meet, monkeypatch):
    monkeypatch.setenv("ZLINK_RECV_PYOBJ", "0")
    pull, push = meet("tcp://127.0.0.1:*")
    push.send_pyobj([1])
    pull.poll()
    with pytest.raises(zmq.ZMQError, match="not authenticated") as caught:
        pull.recv_pyobj()
    assert caught.value.errno == errno.EACCES
    assert pull.recv()  # the refused message can still be received


@pytest.mark.parametrize(
    ("kind", "module", "backend"),
    [
        ("blocking", "zlinkcompat", None),
        ("blocking", "zlinkcompat.green", None),
        ("asyncio", "zlinkcompat.asyncio", None),
        ("blocking", "zmq", "zlinkcompat.backend"),
        ("blocking", "zmq.green", "zlinkcompat.backend"),
        ("asyncio", "zmq.asyncio", "zlinkcompat.backend"),
    ],
)
def test_every_entry_point_warns_at_the_callers_line(kind, module, backend):
    done = python(PROGRAM, kind, module, PYZMQ_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{'number': 0}\n{'number': 1}\nRuntimeWarning True\n"

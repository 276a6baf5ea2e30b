"""With ``import zlinkcompat.green as zmq``, a waiting call blocks only its greenlet."""

import gevent
import pytest
import zmq.green
from gevent.event import Event
from guard import GUARD
from programs import run
from sidebyside import failure

import zlinkcompat
import zlinkcompat.green as green


@pytest.fixture
def context(no_descriptor_is_left):
    context = green.Context()
    yield context
    with gevent.Timeout(GUARD):
        context.destroy(linger=0)


def test_green_has_the_names_of_zmq_green():
    assert [name for name in zmq.green.__all__ if not hasattr(green, name)] == []
    assert set(green.__all__) >= set(zmq.green.__all__)


def test_green_context_is_our_context():
    assert issubclass(green.Context, zlinkcompat.Context)
    assert issubclass(green.Socket, zlinkcompat.Socket)
    assert green.Poller is zlinkcompat.Poller
    assert green.Again is zmq.Again


def test_green_submodules_have_our_classes():
    """Programs that derive from ``zmq.green.core._Socket`` import it in this way."""
    from zlinkcompat.green.core import _Context, _Socket
    from zlinkcompat.green.device import device
    from zlinkcompat.green.poll import _Poller

    assert (_Context, _Socket, _Poller) == (green.Context, green.Socket, green.Poller)
    assert device is green.device


def test_green_context_instance_is_separate():
    ours, plain = green.Context.instance(), zlinkcompat.Context.instance()
    assert type(ours) is green.Context and type(plain) is zlinkcompat.Context
    ours.term()
    plain.term()


def test_greenlets_run_while_one_receives(pair):
    one, other = pair(green.PUSH, green.PULL)
    turns = []

    def work():
        for number in range(5):
            turns.append(number)
            gevent.sleep(0)
        one.send(b"done")

    worker = gevent.spawn(work)
    assert other.recv() == b"done"
    assert turns == [0, 1, 2, 3, 4]
    worker.join()


def test_rcvtimeo_works(make):
    """RCVTIMEO has an effect here. In pyzmq's zmq.green it has none, and only causes a warning."""
    sock = make(green.PULL, rcvtimeo=20)
    ticks = []
    ticker = gevent.spawn(lambda: ticks.append(gevent.sleep(0.001)))
    # The ticker usually runs during the first timeout. On a busy machine it may take several.
    while not ticks:
        assert failure(sock.recv) == (green.Again, green.EAGAIN)
    ticker.get()


def test_sndtimeo_works(make):
    assert failure(make(green.PUSH, sndtimeo=10).send, b"x") == (green.Again, green.EAGAIN)


def test_many_greenlets_receive_from_one_socket(pair):
    one, other = pair(green.PUSH, green.PULL)
    waiting = [gevent.spawn(other.recv) for _ in range(10)]
    gevent.idle()
    for number in range(10):
        one.send(b"%d" % number)
    gevent.joinall(waiting, timeout=GUARD, raise_error=True)
    # The greenlets receive in the order in which they began to wait.
    assert [greenlet.value for greenlet in waiting] == [b"%d" % number for number in range(10)]


def test_one_greenlet_receives_while_another_sends(pair):
    one, other = pair(green.PAIR, green.PAIR)
    receiving = gevent.spawn(one.recv)
    gevent.idle()
    one.send(b"out")
    assert other.recv() == b"out"
    other.send(b"in")
    assert receiving.get(timeout=GUARD) == b"in"


def test_servers_and_clients(make, bound):
    rep = bound(green.REP)

    def serve():
        while True:
            rep.send(rep.recv().upper())

    def ask(word):
        with make(green.REQ) as req:
            req.connect(rep.last_endpoint)
            req.send(word)
            return req.recv()

    server = gevent.spawn(serve)
    clients = [gevent.spawn(ask, b"word %d" % number) for number in range(20)]
    gevent.joinall(clients, timeout=GUARD, raise_error=True)
    assert [client.value for client in clients] == [b"WORD %d" % number for number in range(20)]
    server.kill()


def test_a_poller_waits_in_its_greenlet(pair):
    one, other = pair(green.PUSH, green.PULL)
    poller = green.Poller()
    poller.register(other, green.POLLIN)
    began = Event()
    polling = gevent.spawn(lambda: (began.set(), poller.poll(GUARD * 1000))[1])
    began.wait()
    one.send(b"x")
    assert polling.get(timeout=GUARD) == [(other, green.POLLIN)]


def test_a_proxy_runs_in_a_greenlet(make, bound):
    frontend, backend = bound(green.PULL), bound(green.PUSH)
    source, sink = make(green.PUSH), make(green.PULL)
    source.connect(frontend.last_endpoint)
    sink.connect(backend.last_endpoint)
    proxy = gevent.spawn(green.proxy, frontend, backend)
    source.send(b"through")
    assert sink.recv() == b"through"
    proxy.kill()


def test_a_device_with_one_socket_answers_itself(make, bound):
    rep, req = bound(green.REP), make(green.REQ)
    req.connect(rep.last_endpoint)
    device = gevent.spawn(green.device, green.QUEUE, rep, -1)
    req.send(b"echo")
    assert req.recv() == b"echo"
    device.kill()


def test_call_in_the_hub_raises(make):
    """A call that waits in the hub's own greenlet could never be woken, so it raises."""
    sock = make(green.PULL)
    results = []
    done = Event()

    def callback():
        results.append(failure(sock.recv))
        done.set()

    gevent.get_hub().loop.run_callback(callback)
    done.wait(GUARD)
    assert results and results[0] != "returned"


def test_programs_of_zmq_green_run():
    """A program of zmq.green runs even if it imports nothing else."""
    assert (
        run("""
        import gevent
        import zlinkcompat.green as zmq

        context = zmq.Context.instance()
        rep, req = context.socket(zmq.REP), context.socket(zmq.REQ)
        rep.bind("inproc://service")
        req.connect("inproc://service")
        gevent.spawn(lambda: rep.send(rep.recv().upper()))
        req.send(b"hello")
        print(req.recv())
        context.destroy()
    """)
        == "b'HELLO'\n"
    )


def test_zmq_green_still_uses_libzmq():
    assert zmq.green.Context is not green.Context
    assert not issubclass(zmq.green.Context, zlinkcompat.Context)

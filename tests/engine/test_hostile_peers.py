"""Hostile peers do not make an application's calls fail, and good peers are still served.

A hostile peer follows the protocol up to a random state, and then sends anything: commands of other
states, mutated and cut frames, floods. ``--all-budgets`` tries many more plans.
"""

import asyncio
import threading
import time

import certificates
import gevent
import hostile
import pytest
from gevent import socket
from goodpeer import PEERS, GoodPeer
from guard import GUARD
from hypothesis import HealthCheck, given, settings
from stranger import Stranger, dial

import zlinkcompat as zmq
import zlinkcompat.asyncio
from zlinkcompat.eventloop.zmqstream import ZMQStream

#: Milliseconds after which a call of the application checks whether the test is over.
TIMEOUT_MS = 20

PUBLIC, SECRET = zmq.curve_keypair()

RECEIVERS = ("PULL", "ROUTER", "DEALER", "REP", "REQ", "SUB", "XSUB", "XPUB", "PAIR", "STREAM")


@pytest.fixture
def many(request):
    """Return the number of plans to try."""
    return 150 if request.config.getoption("all_budgets") else 6


# -- applications ----------------------------------------------------------------------------


def receive(sock, loop):
    """Receive one message with the call that ``loop`` names; return its frames as bytes."""
    if loop == "recv":
        frames = [sock.recv()]
        while sock.rcvmore:
            frames.append(sock.recv())
        return frames
    if loop == "multipart":
        return sock.recv_multipart()
    if loop == "frames":
        return [bytes(frame) for frame in sock.recv_multipart(copy=False)]
    if not sock.poll(TIMEOUT_MS):
        raise zmq.Again
    return sock.recv_multipart(zmq.NOBLOCK)


class Application:
    """An application: a greenlet, or on the thread engine a thread, that uses a socket in a loop.

    ``received`` holds the last frame of each message. ``errors`` holds the exceptions that its
    calls raised, except timeouts."""

    def __init__(self, sock, name, loop, engine):
        self.sock, self.name, self.loop = sock, name, loop
        self.received, self.errors = [], []
        self.stopping = False
        self.finished = False
        self.sleep = time.sleep if engine == "thread" else gevent.sleep
        if engine == "thread":
            self.runner = threading.Thread(target=self.run)
            self.runner.start()
        else:
            self.runner = gevent.spawn(self.run)

    def once(self):
        if self.name == "REQ":
            self.sock.send(b"question")
        elif self.name in ("PUB", "PUSH"):
            self.sock.send(b"news")
            if self.name == "PUB":
                self.sleep(0.001)
            return
        frames = receive(self.sock, self.loop)
        assert all(type(frame) is bytes for frame in frames), frames
        self.received.append(frames[-1])
        if self.name == "REP":
            self.sock.send_multipart(frames)
        elif self.name == "STREAM" and frames[-1]:
            self.echo(frames)

    def echo(self, frames):
        try:
            self.sock.send_multipart(frames)
        except zmq.ZMQError as error:
            # This error is documented: the peer has disconnected since its request.
            if error.errno != zmq.EHOSTUNREACH:
                raise

    def run(self):
        while not self.stopping:
            try:
                self.once()
            except zmq.Again:
                pass
            except BaseException as error:
                self.errors.append(error)
                break
        self.finished = True

    def stop(self):
        self.stopping = True
        with gevent.Timeout(GUARD):
            while not self.finished:
                gevent.sleep(0.001)
        self.runner.join()


# -- tests -----------------------------------------------------------------------------------


def bound_socket(make, name, endpoint, mechanism="NULL", **options):
    sock = make(getattr(zmq, name), **options)
    sock.rcvtimeo = sock.sndtimeo = TIMEOUT_MS
    if name == "SUB":
        sock.subscribe = b""
    elif name == "REQ":
        sock.req_relaxed = sock.req_correlate = 1
    if mechanism == "CURVE":
        sock.curve_server = 1
        sock.curve_secretkey = SECRET
    if endpoint.startswith(("tls:", "wss:")):
        certificates.use(sock)
    sock.bind(endpoint)
    return sock


def attack(endpoint, name, mechanism, check, count):
    """Have ``count`` hostile peers connect to ``endpoint``; call ``check()`` after each."""
    visits = []

    @settings(max_examples=count, suppress_health_check=list(HealthCheck), database=None)
    @given(hostile.plans)
    def visit(plan):
        while len(visits) > 3:
            visits.pop(0).close()
        raw = name == "STREAM"
        visits.append(hostile.Visit(endpoint, PEERS[name], plan, mechanism, PUBLIC, raw))
        check()

    try:
        visit()
    finally:
        for each in visits:
            each.close()


def good_peer(target, name, mechanism, application):
    """Return a good peer once it is served; a PAIR first has to lose its hostile peer."""
    with gevent.Timeout(GUARD):
        while True:
            good = GoodPeer(target, name, mechanism, PUBLIC)
            with gevent.Timeout(1, False):
                good.is_served(application)
                return good
            good.close()


def run(application, name, target, count, mechanism="NULL", beside=True):
    """Have hostile peers attack ``target``, where ``application`` uses a socket of type ``name``.

    With ``beside`` a good peer is connected at the same time, otherwise after they have left."""
    good = []

    def check():
        assert not application.errors, application.errors
        if beside:
            good[0].is_served(application)

    try:
        if beside:
            good.append(good_peer(target, name, mechanism, application))
        attack(target, name, mechanism, check, count)
        if not beside:
            good.append(good_peer(target, name, mechanism, application))
        assert not application.errors, application.errors
    finally:
        for each in good:
            each.close()
        application.stop()
    assert not application.errors, application.errors


@pytest.fixture
def attacked(make, engine_name, many):
    """``attacked(type, loop, endpoint, mechanism)`` runs an application that peers attack."""

    def attacked(name, loop, endpoint="tcp://127.0.0.1:*", mechanism="NULL", beside=True):
        sock = bound_socket(make, name, endpoint, mechanism)
        target = sock.last_endpoint.decode()
        run(Application(sock, name, loop, engine_name), name, target, many, mechanism, beside)

    return attacked


@pytest.fixture
def engine_name(request):
    return request.node.callspec.params["engine"]


@pytest.mark.both_engines
@pytest.mark.parametrize("loop", ["recv", "multipart", "frames", "poll"])
@pytest.mark.parametrize("name", RECEIVERS)
def test_application_receives_beside_hostile_peers(attacked, name, loop):
    attacked(name, loop)


@pytest.mark.both_engines
@pytest.mark.parametrize("loop", ["recv", "multipart", "frames", "poll"])
def test_pair_is_free_when_hostile_peers_have_left(attacked, loop):
    """A PAIR accepts a good peer after its hostile peers have left.

    A PAIR has only one peer at a time. In the other tests the good peer connects first, and so no
    hostile peer can.
    """
    attacked("PAIR", loop, beside=False)


@pytest.mark.both_engines
def test_stream_over_tls(attacked):
    attacked("STREAM", "multipart", "tls://127.0.0.1:*")


@pytest.mark.both_engines
@pytest.mark.parametrize("name", ["PUB", "PUSH"])
def test_application_sends_beside_hostile_peers(attacked, name):
    attacked(name, "multipart")


@pytest.mark.both_engines
@pytest.mark.parametrize("mechanism", ["NULL", "CURVE"])
@pytest.mark.parametrize("transport", ["ipc", "ws", "tls", "wss"])
@pytest.mark.parametrize("name", ["ROUTER", "XPUB"])
def test_application_over_other_transports(attacked, name, transport, mechanism, tmp_path):
    endpoint = {
        "ipc": f"ipc://{tmp_path}/x",
        "ws": "ws://127.0.0.1:*/x",
        "tls": "tls://127.0.0.1:*",
        "wss": "wss://127.0.0.1:*/x",
    }[transport]
    attacked(name, "multipart", endpoint, mechanism)


class Proxy:
    """A proxy between sockets of two types that runs in a greenlet or a thread."""

    def __init__(self, make, names, engine):
        self.errors = []
        self.finished = False
        self.ends = [bound_socket(make, name, "tcp://127.0.0.1:*") for name in names]
        self.targets = [sock.last_endpoint.decode() for sock in self.ends]
        for sock in self.ends:
            sock.rcvtimeo = sock.sndtimeo = -1
        self.control, self.steering = make(zmq.PAIR), make(zmq.PAIR)
        self.steering.bind("inproc://steering")
        self.control.connect("inproc://steering")
        if engine == "thread":
            self.runner = threading.Thread(target=self.run)
            self.runner.start()
        else:
            self.runner = gevent.spawn(self.run)

    def run(self):
        try:
            zmq.proxy_steerable(*self.ends, None, self.control)
        except BaseException as error:
            self.errors.append(error)
        self.finished = True

    def stop(self):
        self.steering.send(b"TERMINATE")
        with gevent.Timeout(GUARD):
            while not self.finished:
                gevent.sleep(0.001)
        self.runner.join()


@pytest.mark.both_engines
@pytest.mark.parametrize(
    "names", [("ROUTER", "DEALER"), ("XSUB", "XPUB"), ("PULL", "PUSH")], ids="-".join
)
@pytest.mark.parametrize("side", [0, 1], ids=["front", "back"])
def test_proxy_survives_hostile_peers(make, engine_name, names, side, many):
    proxy = Proxy(make, names, engine_name)
    front, back = (dial(target, socket, GUARD) for target in proxy.targets)
    sender = Stranger(front, proxy.targets[0], PEERS[names[0]], identity=b"good")
    taker = Stranger(back, proxy.targets[1], PEERS[names[1]])
    if names[1] == "XPUB":
        taker.send(taker.command(b"SUBSCRIBE", b"good"))
    back.settimeout(hostile.PATIENCE)

    def check():
        """Send until a message arrives.

        The first messages may not arrive: hostile peers get some of them, and the subscription may
        come later.
        """
        assert not proxy.errors, proxy.errors
        with gevent.Timeout(GUARD):
            while True:
                sender.send(sender.message(b"good"))
                try:
                    data = taker.stream.recv(65536)
                    assert data, "the good taker was disconnected"
                    if b"good" in data:
                        return
                except TimeoutError:
                    assert not proxy.errors, proxy.errors

    try:
        check()
        attack(proxy.targets[side], names[side], "NULL", check, many)
    finally:
        front.close()
        back.close()
        proxy.stop()
    assert not proxy.errors, proxy.errors


class LoopApplication:
    """An application that receives in an event loop in a thread; subclasses define the loop."""

    def __init__(self, name):
        self.name = name
        self.received, self.errors = [], []
        self.started = threading.Event()
        self.thread = threading.Thread(target=self.guarded)
        self.thread.start()
        self.started.wait(GUARD)
        assert not self.errors, self.errors

    def guarded(self):
        try:
            self.run()
        except BaseException as error:
            self.errors.append(error)
        self.started.set()

    def join(self):
        self.thread.join(GUARD)
        assert not self.thread.is_alive()

    def bind(self, sock):
        if self.name == "SUB":
            sock.subscribe = b""
        sock.bind("tcp://127.0.0.1:*")
        self.target = sock.last_endpoint.decode()


class AsyncioApplication(LoopApplication):
    """An application that awaits ``recv_multipart`` in asyncio."""

    def run(self):
        asyncio.run(self.main())

    async def main(self):
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        with zmq.asyncio.Context() as context, context.socket(getattr(zmq, self.name)) as sock:
            sock.linger = 0
            self.bind(sock)
            self.started.set()
            receiving = asyncio.ensure_future(self.receive(sock))
            await asyncio.wait(
                [receiving, asyncio.ensure_future(self.stopping.wait())],
                return_when=asyncio.FIRST_COMPLETED,
            )
            receiving.cancel()
            try:
                await receiving
            except asyncio.CancelledError:
                pass

    async def receive(self, sock):
        while True:
            frames = await sock.recv_multipart()
            self.received.append(frames[-1])
            if self.name == "REP":
                await sock.send_multipart(frames)

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.join()


class StreamApplication(LoopApplication):
    """An application that receives in the callbacks of a ZMQStream, in tornado's loop."""

    def run(self):
        asyncio.run(self.main())

    async def main(self):
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        self.loop.set_exception_handler(lambda loop, told: self.errors.append(told))
        with zmq.Context() as context, context.socket(getattr(zmq, self.name)) as sock:
            sock.linger = 0
            self.bind(sock)
            stream = ZMQStream(sock)
            stream.on_recv(lambda frames: self.called_back(stream, frames))
            self.started.set()
            await self.stopping.wait()
            stream.close()

    def called_back(self, stream, frames):
        self.received.append(frames[-1])
        if self.name == "REP":
            stream.send_multipart(frames)

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.join()


@pytest.mark.parametrize("engine", ["thread"], indirect=True)
@pytest.mark.parametrize("application", [AsyncioApplication, StreamApplication])
@pytest.mark.parametrize("name", ["PULL", "ROUTER", "DEALER", "REP", "SUB", "XSUB", "XPUB", "PAIR"])
def test_event_loop_survives_hostile_peers(no_error_reaches_the_hub, application, name, many):
    running = application(name)
    run(running, name, running.target, many)

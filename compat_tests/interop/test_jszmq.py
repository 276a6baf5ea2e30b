"""Our sockets talk over ``ws://`` to all socket types of jszmq, which runs in node (RFC 45)."""

import json
import shutil
import subprocess
from pathlib import Path

import gevent
import pytest
from gevent import subprocess as gevent_subprocess

import zlinkcompat as zmq

GUARD = 30  # seconds
VERSION = "0.1.2"


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory):
    """Return a folder in which jszmq is installed."""
    if not (shutil.which("npm") and shutil.which("node")):
        # jszmq is written in JavaScript, so it needs node.
        pytest.skip("node or npm is not installed, and jszmq needs both")
    folder = tmp_path_factory.mktemp("jszmq")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"jszmq@{VERSION}"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=45)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        # An unreachable registry is not a fault of our package.
        pytest.skip(f"npm cannot install jszmq here: {error}")
    shutil.copy(Path(__file__).with_name("jszmq_peer.js"), folder)
    return folder


class Node:
    """A node process with one jszmq socket at a time."""

    def __init__(self, folder):
        self.process = gevent_subprocess.Popen(
            ["node", "jszmq_peer.js"], cwd=folder, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def tell(self, **word):
        self.process.stdin.write(json.dumps(word).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, name):
        """Return the value of node's next line, which must be about ``name``."""
        with gevent.Timeout(GUARD):
            line = self.process.stdout.readline()
        assert line, self.process.stderr.read().decode()
        word = json.loads(line)
        assert name in word, word
        return word[name]

    def open(self, *args, subscribe=()):
        """Open a socket in node; return the port that it is bound to."""
        self.tell(open=args, subscribe=subscribe)
        return self.hear("open")

    def send(self, *frames):
        self.tell(send=frames)

    def message(self):
        return [frame.encode("latin-1") for frame in self.hear("message")]

    def shut(self):
        """Close the socket, and discard everything that Node.js still reports about it."""
        self.tell(close=True)
        with gevent.Timeout(GUARD):
            while b'"close"' not in (line := self.process.stdout.readline()):
                assert line, self.process.stderr.read().decode()

    def end(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


@pytest.fixture(scope="session")
def processes():
    """Return a list of the node processes that were started; stop them at the end."""
    processes = []
    yield processes
    for each in processes:
        each.end()


@pytest.fixture
def node(node_folder, processes):
    # Start a node process if there is none, or if the last one has failed.
    if not processes or processes[-1].process.poll() is not None:
        processes.append(Node(node_folder))
    return processes[-1]


@pytest.fixture(params=["bind", "connect"])
def met(request, node, monkeypatch):
    """``met(zmq.PULL, "push")`` returns our socket, connected to a socket of node.

    ``request.param`` says whether our socket binds or connects.
    """
    # On the thread engine a bound SUB sends its subscriptions only in its own calls, as in libzmq.
    monkeypatch.setenv("ZLINK_ENGINE", "hub")
    context = zmq.Context()

    def met(ours, theirs, subscribe=(), **options):
        sock = context.socket(ours)
        sock.linger = 0
        sock.rcvtimeo = sock.sndtimeo = GUARD * 1000
        for name, value in options.items():
            setattr(sock, name, value)
        if request.param == "bind":
            sock.bind("ws://127.0.0.1:*/zeromq")
            node.open(theirs, "connect", sock.last_endpoint.decode(), subscribe=subscribe)
        else:
            port = node.open(theirs, "bind", "ws://127.0.0.1:0/zeromq", subscribe=subscribe)
            sock.connect(f"ws://127.0.0.1:{port}/zeromq")
        return sock, node

    yield met
    if node.process.poll() is None:
        node.shut()
    context.destroy(linger=0)


@pytest.fixture
def publishing():
    """``publishing(pub)`` publishes "other" and "news" repeatedly, in a greenlet.

    It repeats them since a subscriber may join late.
    """
    greenlets = []

    def publish(pub):
        while True:
            pub.send_multipart([b"other", b"things"])
            pub.send_multipart([b"topic", b"news"])
            gevent.sleep(0.005)

    yield lambda pub: greenlets.append(gevent.spawn(publish, pub))
    gevent.killall(greenlets)


SIZES = (0, 1, 124, 125, 126, 65534, 65535, 200000)


def test_pull_and_push(met):
    sock, node = met(zmq.PULL, "push")
    for size in SIZES:
        node.send("x" * size, "end")
        assert sock.recv_multipart() == [b"x" * size, b"end"]


def test_push_and_pull(met):
    sock, node = met(zmq.PUSH, "pull")
    for size in SIZES:
        sock.send_multipart([b"x" * size, b"end"])
        assert node.message() == [b"x" * size, b"end"]


@pytest.mark.parametrize("theirs", ["rep", "router"])
def test_req(met, theirs):
    sock, _ = met(zmq.REQ, theirs)
    for body in b"one", b"two":
        sock.send(body)
        assert sock.recv() == body.upper()


@pytest.mark.parametrize("theirs, envelope", [("req", []), ("dealer", [b""])])
def test_rep(met, theirs, envelope):
    sock, node = met(zmq.REP, theirs)
    for body in b"one", b"two":
        node.send(*map(bytes.decode, [*envelope, body]))
        assert sock.recv() == body
        sock.send(body.upper())
        assert node.message() == [*envelope, body.upper()]


@pytest.mark.parametrize("theirs, envelope", [("router", []), ("rep", [b""])])
def test_dealer_and_answering_types(met, theirs, envelope):
    sock, _ = met(zmq.DEALER, theirs, routing_id=b"me")
    for body in b"one", b"two":
        sock.send_multipart([*envelope, body, b"end"])
        assert sock.recv_multipart() == [*envelope, body.upper(), b"END"]


@pytest.mark.parametrize("ours, theirs", [(zmq.DEALER, "dealer"), (zmq.PAIR, "pair")])
def test_symmetric_types(met, ours, theirs):
    sock, node = met(ours, theirs)
    sock.send(b"there")
    assert node.message() == [b"there"]
    node.send("back")
    assert sock.recv() == b"back"


@pytest.mark.parametrize("theirs, envelope", [("dealer", []), ("req", [b""])])
def test_router_and_asking_types(met, theirs, envelope):
    sock, node = met(zmq.ROUTER, theirs)
    node.send("one")
    name, *found = sock.recv_multipart()
    assert found == [*envelope, b"one"]
    sock.send_multipart([name, *envelope, b"ONE", b"!"])
    assert node.message() == [b"ONE", b"!"]


def test_router_and_router(met):
    sock, node = met(zmq.ROUTER, "router", routing_id=b"me")
    while not sock.poll(20):
        node.send("\0me", "one")  # the ROUTER drops this while it has no peer with this id
    name, body = sock.recv_multipart()
    assert body == b"one"
    sock.send_multipart([name, b"two"])
    assert node.message() == [b"\0me", b"two"]
    while (found := sock.recv_multipart()) == [name, b"one"]:
        pass
    assert found == [name, b"TWO"]


@pytest.mark.parametrize("theirs", ["sub", "xsub"])
def test_pub(met, publishing, theirs):
    sock, node = met(zmq.PUB, theirs, subscribe=["topic"])
    publishing(sock)
    assert node.message() == [b"topic", b"news"]
    assert node.message() == [b"topic", b"news"]


@pytest.mark.parametrize("theirs", ["sub", "xsub"])
def test_xpub(met, theirs):
    sock, node = met(zmq.XPUB, theirs, subscribe=["topic"])
    assert sock.recv() == b"\x01topic"
    sock.send_multipart([b"other", b"things"])
    sock.send_multipart([b"topic", b"news"])
    assert node.message() == [b"topic", b"news"]
    if theirs == "sub":
        node.tell(unsubscribe="topic")
    else:
        node.send("\0topic")
    assert sock.recv() == b"\0topic"


@pytest.mark.parametrize("theirs", ["pub", "xpub"])
@pytest.mark.parametrize("ours", [zmq.SUB, zmq.XSUB], ids=["sub", "xsub"])
def test_sub(met, ours, theirs):
    sock, node = met(ours, theirs)
    if ours == zmq.SUB:
        sock.subscribe(b"topic")
    else:
        sock.send(b"\x01topic")
    if theirs == "xpub":
        assert node.message() == [b"\x01topic"]
    while not sock.poll(20):
        node.send("other", "things")
        node.send("topic", "news")
    assert sock.recv_multipart() == [b"topic", b"news"]

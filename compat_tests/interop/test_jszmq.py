"""``ws://`` with jszmq under node: all its socket types, both directions (RFC 45)."""

import json
import shutil
import socket
import subprocess
from pathlib import Path

import gevent
import pytest
from gevent import subprocess as gevent_subprocess

import zlinkcompat as zmq

GUARD = 10  # seconds; node starts slowly
VERSION = "0.1.2"


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory):
    """A folder with jszmq in it."""
    if not (shutil.which("npm") and shutil.which("node")):
        # jszmq is JavaScript: nothing else can run it.
        pytest.skip("there is no node and npm to run jszmq with")
    folder = tmp_path_factory.mktemp("jszmq")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"jszmq@{VERSION}"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=45)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        # No registry in reach is not a fault of ours.
        pytest.skip(f"npm cannot install jszmq here: {error}")
    shutil.copy(Path(__file__).with_name("jszmq_peer.js"), folder)
    return folder


class Node:
    """A process with one jszmq socket."""

    def __init__(self, folder, *args):
        self.process = gevent_subprocess.Popen(
            ["node", "jszmq_peer.js", *args], cwd=folder, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.line()

    def line(self):
        with gevent.Timeout(GUARD):
            line = self.process.stdout.readline()
        assert line, self.process.stderr.read().decode()
        return line

    def message(self):
        return [frame.encode("latin-1") for frame in json.loads(self.line())]

    def send(self, *frames):
        self.process.stdin.write(json.dumps(frames).encode() + b"\n")
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        while self.process.poll() is None:
            gevent.sleep(0.002)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


@pytest.fixture(params=["bind", "connect"])
def met(request, node_folder, monkeypatch):
    """met(zmq.PULL, "push"): our socket and a Node that met; ``request.param`` is our verb."""
    # With I/O threads a bound SUB that makes no call sends no subscriptions, as in libzmq.
    monkeypatch.setenv("ZLINK_ENGINE", "hub")
    context = zmq.Context()
    nodes = []

    def met(ours, theirs, **options):
        sock = context.socket(ours)
        sock.linger = 0
        sock.rcvtimeo = sock.sndtimeo = GUARD * 1000
        sock.reconnect_ivl = 10
        for name, value in options.items():
            setattr(sock, name, value)
        if request.param == "bind":
            sock.bind("ws://127.0.0.1:*/zeromq")
            endpoint = sock.last_endpoint.decode()
            nodes.append(Node(node_folder, theirs, "connect", endpoint))
        else:
            with socket.socket() as holder:
                holder.bind(("127.0.0.1", 0))
                endpoint = f"ws://127.0.0.1:{holder.getsockname()[1]}/zeromq"
            nodes.append(Node(node_folder, theirs, "bind", endpoint))
            sock.connect(endpoint)
        return sock, nodes[-1]

    yield met
    for node in nodes:
        node.close()
    context.destroy(linger=0)


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


def test_req_and_rep(met):
    sock, _ = met(zmq.REQ, "rep")
    for body in b"one", b"two":
        sock.send(body)
        assert sock.recv() == body.upper()


def test_rep_and_req(met):
    sock, node = met(zmq.REP, "req")
    for body in b"one", b"two":
        node.send(body.decode())
        assert sock.recv() == body
        sock.send(body.upper())
        assert node.message() == [body.upper()]


def test_dealer_and_router(met):
    sock, _ = met(zmq.DEALER, "router", routing_id=b"me")
    sock.send_multipart([b"one", b"two"])
    assert sock.recv_multipart() == [b"ONE", b"TWO"]


def test_router_and_dealer(met):
    sock, node = met(zmq.ROUTER, "dealer")
    node.send("one")
    name, body = sock.recv_multipart()
    sock.send_multipart([name, body.upper(), b"!"])
    assert node.message() == [b"ONE", b"!"]


def test_pair_and_pair(met):
    sock, node = met(zmq.PAIR, "pair")
    sock.send(b"there")
    assert node.message() == [b"there"]
    node.send("back")
    assert sock.recv() == b"back"


@pytest.mark.parametrize("theirs", ["sub", "xsub"])
def test_xpub_and_sub(met, theirs):
    sock, node = met(zmq.XPUB, theirs)
    assert sock.recv() == b"\x01"
    sock.send_multipart([b"topic", b"news"])
    assert node.message() == [b"topic", b"news"]


@pytest.mark.parametrize("theirs", ["pub", "xpub"])
def test_sub_and_pub(met, theirs):
    sock, node = met(zmq.SUB, theirs)
    sock.subscribe(b"topic")
    if theirs == "xpub":
        assert node.message() == [b"\x01topic"]
    while not sock.poll(20):
        node.send("other", "news")
        node.send("topic", "news")
    assert sock.recv_multipart() == [b"topic", b"news"]

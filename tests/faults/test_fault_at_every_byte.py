"""Inject a fault at every byte of a handshake and three messages.

Messages must arrive whole, in order and never twice. Messages that the fault did not affect must
arrive, and the sockets must work afterwards.
"""

import certificates
import gevent
import pytest
from faultproxy import FAULTS, TO_CLIENT, TO_SERVER, FaultProxy
from gevent.pool import Pool
from guard import GUARD

import zlinkcompat as zmq

MESSAGES = [[b"first"], [b"second", b"", b"2" * 20], [b"third" * 5]]
SERVER, CLIENT = zmq.curve_keypair(), zmq.curve_keypair()

#: Maps a mechanism to (options of the server, options of the client).
KINDS = {
    "null": ({}, {}),
    "plain": ({"plain_server": 1}, {"plain_username": b"user", "plain_password": b"secret"}),
    "curve": (
        {"curve_server": 1, "curve_secretkey": SERVER[1]},
        {"curve_publickey": CLIENT[0], "curve_secretkey": CLIENT[1], "curve_serverkey": SERVER[0]},
    ),
}

#: Bytes between two faults without ``--all-faults``. NULL over tcp is always cut at every byte.
STRIDE = 13
#: The length of a TLS handshake varies by at most so many bytes.
TLS_VARIES = 32
AT_ONCE = 40


@pytest.fixture(scope="module")
def context():
    """Return a context with a ZAP handler that accepts every client; PLAIN needs a handler."""
    context = zmq.Context()
    context.max_sockets = 4000
    handler = context.socket(zmq.REP)
    handler.bind("inproc://zeromq.zap.01")

    def judge():
        while True:
            _, request_id, *_ = handler.recv_multipart()
            handler.send_multipart([b"1.0", request_id, b"200", b"OK", b"", b""])

    greenlet = gevent.spawn(judge)
    yield context
    greenlet.kill()
    context.destroy(linger=0)


class Case:
    """A PUSH connected to a PULL through a proxy that injects one fault."""

    def __init__(self, context, transport, kind, *fault):
        ours, theirs = KINDS[kind]
        self.server = self.make(context, zmq.PULL, ours)
        self.server.bind(f"{transport}://127.0.0.1:*")
        endpoint = self.server.last_endpoint.decode()
        place = endpoint.split("/")[2]
        self.proxy = FaultProxy("tcp://" + place, *fault)
        self.client = self.make(context, zmq.PUSH, theirs)
        self.client.connect(endpoint.replace(place, f"127.0.0.1:{self.proxy.port}"))

    def make(self, context, socket_type, options):
        sock = context.socket(socket_type)
        sock.rcvtimeo = sock.sndtimeo = GUARD * 1000
        sock.reconnect_ivl = 1
        sock.linger = 0
        certificates.use(sock)
        for name, value in options.items():
            setattr(sock, name, value)
        return sock

    def run(self, messages):
        """Send ``messages``, then ``end 0``, ``end 1``, ... until an end arrives.

        Return all messages that arrived.
        """
        for message in messages:
            self.client.send_multipart(message)
        got, ends = [], 0
        with gevent.Timeout(GUARD):
            # Messages that were sent before the fault was noticed may be lost with the connection,
            # so send further end messages until one arrives.
            while not got or not got[-1][0].startswith(b"end"):
                if not self.server.poll(20):
                    self.client.send(b"end %d" % ends)
                    ends += 1
                    continue
                got.append(self.server.recv_multipart())
        while self.server.poll(10):
            got.append(self.server.recv_multipart())
        return (
            [one for one in got if not one[0].startswith(b"end")],
            [int(one[0][4:]) for one in got if one[0].startswith(b"end")],
        )

    def close(self):
        self.client.close()
        self.server.close()
        self.proxy.close()


def lengths(context, transport, kind, count=3):
    """Return how many bytes ``count`` messages take in each direction, without a fault."""
    case = Case(context, transport, kind)
    try:
        for message in MESSAGES[:count]:
            case.client.send_multipart(message)
        for _ in range(count):
            case.server.recv_multipart()
        return list(case.proxy.passed)
    finally:
        case.close()


def check(context, transport, kind, fault, way, at, ends_at, handshake):
    case = Case(context, transport, kind, fault, way, at)
    try:
        got, ends = case.run(MESSAGES)
        told = f"{fault} at byte {at} " + ("to the client", "to the server")[way == TO_SERVER]
        assert case.proxy.struck or transport == "tls", told
        assert ends == sorted(set(ends)), told
        if fault == "duplicate" and kind != "curve":
            # With these mechanisms a replayed connection is one more peer, whose messages are
            # delivered. No other messages may arrive.
            assert all(one in MESSAGES for one in got), told
            firsts = [one for n, one in enumerate(got) if one not in got[:n]]
            assert sorted(firsts) == sorted(MESSAGES), (told, got)
            return
        # The messages arrived whole and in order, and none arrived twice.
        assert got == [one for one in MESSAGES if one in got], (told, got)
        if fault in ("cut", "reset"):
            through = 0
            # Count the messages that were passed on before the cut. With TLS one record holds all
            # messages, so none of them counts.
            if way == TO_SERVER and fault == "cut" and transport != "tls":
                through = sum(end <= at for end in ends_at)
            elif way == TO_CLIENT and at < handshake - (TLS_VARIES if transport == "tls" else 0):
                through = len(MESSAGES)  # the PUSH still had all messages when the fault came
            assert got[:through] == MESSAGES[:through], (told, got)
        else:
            assert got == MESSAGES, (told, got)
    finally:
        case.close()


def tried(context, transport, kind, fault, stride):
    """Try ``fault`` at every ``stride``-th byte in both directions; return the number of tries."""
    totals = lengths(context, transport, kind)
    ends_at = [lengths(context, transport, kind, count + 1)[TO_SERVER] for count in range(3)]
    places = [
        (way, at) for way in (TO_SERVER, TO_CLIENT) for at in range(0, totals[way] + 1, stride)
    ]
    pool = Pool(AT_ONCE)
    for one in [
        pool.spawn(check, context, transport, kind, fault, way, at, ends_at, totals[TO_CLIENT])
        for way, at in places
    ]:
        one.get()
    return len(places)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_fault_at_every_byte_over_tcp(context, kind, fault, pytestconfig, record_property):
    everywhere = pytestconfig.getoption("--all-faults") or (kind, fault) == ("null", "cut")
    record_property("faults", tried(context, "tcp", kind, fault, 1 if everywhere else STRIDE))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", FAULTS[:-1])
@pytest.mark.parametrize("transport", ["ws", "tls"])
def test_fault_at_every_byte_over_other_transports(
    context, transport, fault, pytestconfig, record_property
):
    stride = STRIDE if pytestconfig.getoption("--all-faults") else 10 * STRIDE
    record_property("faults", tried(context, transport, "null", fault, stride))

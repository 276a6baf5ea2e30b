"""With each mechanism, the accepted clients, ZAP requests and monitor events are the same."""

import struct

import pytest

DOMAIN = "zlc-domain"
ENDPOINT = "inproc://zeromq.zap.01"
#: The events that we compare. Events that only one library reports, such as the next attempt, are
#: left out.
TOLD = (
    "HANDSHAKE_SUCCEEDED",
    "HANDSHAKE_FAILED_NO_DETAIL",
    "HANDSHAKE_FAILED_PROTOCOL",
    "HANDSHAKE_FAILED_AUTH",
)
GIVEN_UP = 5000  # ms


class Meeting:
    """A server and a client of the same library, their monitors and, if wanted, a ZAP handler."""

    def __init__(self, bench, transport, server, client, kinds=("PULL", "PUSH"), handler="REP"):
        self.zmq = zmq = bench.zmq
        self.bench = bench
        self.handler = bench.socket(handler, bind=ENDPOINT) if handler else None
        address = {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{bench.folder}/s"}[transport]
        short = {"handshake_ivl": 1500, "reconnect_ivl": -1}
        self.server = bench.socket(kinds[0], **short, **options(zmq, server))
        self.client = bench.socket(kinds[1], **short, **options(zmq, client))
        self.heard = []
        self.monitors = []
        for sock in (self.server, self.client):
            self.monitors.append(sock.get_monitor_socket())
        self.server.bind(address)
        self.client.connect(self.server.last_endpoint.decode())

    def request(self):
        """Return the ZAP request, without fields that differ between any two processes."""
        assert self.handler.poll(GIVEN_UP), "no ZAP request arrived"
        frames = self.handler.recv_multipart()
        address = frames[3].decode()
        frames[3] = address.split(":")[0].encode()
        return frames

    def reply(self, status, user_id=b"", metadata=b"", text=b"text"):
        self.handler.send_multipart([b"1.0", b"1", status, text, user_id, metadata])

    def decided(self):
        """Return the first event of each side that is in `TOLD`, with its value."""
        return [self._decided(monitor) for monitor in self.monitors]

    def _decided(self, monitor):
        while monitor.poll(GIVEN_UP):
            head, _ = monitor.recv_multipart()
            event, value = struct.unpack("<Hi", head)
            name = self.zmq.Event(event).name
            if name in TOLD:
                # Do not compare the errno of a lost connection, which is random.
                return name, None if name.endswith("NO_DETAIL") else value
        return None

    def delivered(self):
        """Send a message; return it as it arrives, with its properties."""
        self.client.send(b"hello")
        frame = self.server.recv(copy=False)
        names = ("User-Id", "Socket-Type", "Identity", "Routing-Id", "X-zap", "X-peer", "x-peer")
        return frame.bytes, [self._property(frame, name) for name in names]

    def _property(self, frame, name):
        try:
            return frame.get(name)
        except self.zmq.ZMQError as error:
            return error.errno

    def close(self):
        for sock in (self.server, self.client):
            sock.disable_monitor()
        for monitor in self.monitors:
            monitor.close(0)


def options(zmq, named):
    values = {}
    for name, value in named.items():
        values[name] = value.encode() if isinstance(value, str) else value
    return values


def run(both, transport, server, client, talk, **more):
    """Run ``talk(meeting)`` on each library, and check that the results are equal."""

    def scenario(bench):
        meeting = Meeting(bench, transport, server, client, **more)
        try:
            return talk(meeting)
        finally:
            meeting.close()

    return both(scenario)


PLAIN = ({"plain_server": 1}, {"plain_username": "adm\0in", "plain_password": "s e c r e t"})
NULL = ({"zap_domain": DOMAIN}, {})
SERVER_PUBLIC, SERVER_SECRET = (
    b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
)
CLIENT_PUBLIC, CLIENT_SECRET = (
    b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
    b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
)
#: A key that belongs to neither side.
OTHER_KEY = SERVER_PUBLIC[:39] + b"8"
CURVE = (
    {"curve_server": 1, "curve_secretkey": SERVER_SECRET},
    {
        "curve_publickey": CLIENT_PUBLIC,
        "curve_secretkey": CLIENT_SECRET,
        "curve_serverkey": SERVER_PUBLIC,
    },
)
SIDES = {"null": NULL, "plain": PLAIN, "curve": CURVE}
ANSWERS = {
    "200": [b"200"],
    "200-user": [b"200", b"alice"],
    "200-metadata": [b"200", b"bob", b"\x05X-zap\0\0\0\x03yes"],
    "300": [b"300"],
    "400": [b"400", b"mallory"],
    "500": [b"500"],
    "201": [b"201"],
    "600": [b"600"],
    "no-status": [b""],
    "metadata-cut-off": [b"200", b"", b"\x05X-zap\0\0\0\x04yes"],
    "metadata-of-one-byte": [b"200", b"", b"\x05"],
}


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("answer", ANSWERS)
def test_zap_reply_decides(both, sides, answer, transport):
    def talk(meeting):
        asked = meeting.request()
        meeting.reply(*ANSWERS[answer])
        decided = meeting.decided()
        let_in = decided[0] == ("HANDSHAKE_SUCCEEDED", 0)
        return asked, decided, let_in and meeting.delivered()

    server, client = SIDES[sides]
    _, decided, _ = run(both, transport, {"routing_id": "srv", **server}, client, talk)
    assert (decided[0][0] == "HANDSHAKE_SUCCEEDED") == answer.startswith("200")


REPLIES = {
    "too-few-frames": [b"1.0", b"1", b"200", b"", b""],
    "too-many-frames": [b"1.0", b"1", b"200", b"", b"", b"", b""],
    "other-version": [b"1.1", b"1", b"200", b"", b"", b""],
    "other-request": [b"1.0", b"2", b"200", b"", b"", b""],
}


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("reply", REPLIES)
def test_malformed_zap_reply_refuses_the_client(both, sides, reply):
    def talk(meeting):
        meeting.request()
        meeting.handler.send_multipart(REPLIES[reply])
        return meeting.decided()

    decided = run(both, "tcp", *SIDES[sides], talk)
    assert decided[0][0] == "HANDSHAKE_FAILED_PROTOCOL"


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("enforce", [0, 1])
def test_without_a_zap_handler(both, sides, enforce):
    server, client = SIDES[sides]
    server = {"zap_domain": DOMAIN, "zap_enforce_domain": enforce, **server}
    decided = run(both, "tcp", server, client, Meeting.decided, handler=None)
    assert (decided[0][0] == "HANDSHAKE_SUCCEEDED") == (sides != "plain" and not enforce)


def test_curve_without_authentication(both):
    """A server without a ZAP domain sends no ZAP request, even if domains are enforced.

    This configuration of CURVE is known as "Stonehouse".
    """

    def talk(meeting):
        return meeting.decided(), meeting.delivered()

    decided, _ = run(both, "tcp", {"zap_enforce_domain": 1, **CURVE[0]}, CURVE[1], talk)
    assert decided[0][0] == "HANDSHAKE_SUCCEEDED"


def test_null_client_asks_its_own_handler(both):
    def talk(meeting):
        asked = meeting.request()
        meeting.reply(b"400")
        return asked, meeting.decided()[1]

    _, decided = run(both, "tcp", {}, {"zap_domain": DOMAIN}, talk)
    assert decided == ("HANDSHAKE_FAILED_AUTH", 400)


def test_zap_handler_may_be_a_router(both):
    def talk(meeting):
        routing_id, *frames = meeting.handler.recv_multipart()
        meeting.handler.send_multipart([routing_id, b"", b"1.0", b"1", b"200", b"", b"rose", b""])
        return len(routing_id), frames, meeting.decided(), meeting.delivered()

    run(both, "tcp", *PLAIN, talk, handler="ROUTER")


def test_router_handler_reply_without_delimiter_is_refused(both):
    def talk(meeting):
        routing_id, *_ = meeting.handler.recv_multipart()
        meeting.handler.send_multipart([routing_id, b"x", b"1.0", b"1", b"200", b"", b"", b""])
        return meeting.decided()

    assert run(both, "tcp", *PLAIN, talk, handler="ROUTER")[0][0] == "HANDSHAKE_FAILED_PROTOCOL"


@pytest.mark.parametrize(
    "kinds",
    [("PULL", "PUSH"), ("ROUTER", "DEALER"), ("REP", "REQ"), ("SUB", "PUB"), ("PAIR", "PAIR")],
    ids="-".join,
)
def test_properties_of_a_frame(both, kinds):
    def talk(meeting):
        if kinds[0] == "SUB":
            meeting.server.subscribe(b"")
        meeting.request()
        meeting.reply(b"200", b"eve", b"\x05X-zap\0\0\0\x03yes\x06X-peer\0\0\0\x04mine")
        decided = meeting.decided()
        if kinds[0] == "SUB":
            while not meeting.server.poll(20):
                meeting.client.send(b"probe")
        got = meeting.delivered()
        return decided, got[1]

    client = {**PLAIN[1], "routing_id": "me", "metadata": "X-peer:theirs"}
    run(both, "tcp", PLAIN[0], client, talk, kinds=kinds)


MISMATCHES = {
    "plain-client": ({}, PLAIN[1]),
    "plain-server": (PLAIN[0], {}),
    "curve-client": ({}, CURVE[1]),
    "curve-server": (CURVE[0], {}),
    "curve-and-plain": (CURVE[0], PLAIN[1]),
}


@pytest.mark.parametrize("sides", MISMATCHES)
def test_mismatched_mechanisms_are_refused(both, sides):
    decided = run(both, "tcp", *MISMATCHES[sides], Meeting.decided)
    assert decided[0][0] == "HANDSHAKE_FAILED_PROTOCOL"


WRONG_KEYS = {
    "of-the-server": {"curve_serverkey": OTHER_KEY},
    "of-the-client": {"curve_publickey": OTHER_KEY},
    "none-of-the-server": {"curve_serverkey": bytes(32)},
    "none-of-the-client": {"curve_publickey": bytes(32), "curve_secretkey": bytes(32)},
    "weak-one-of-the-server": {"curve_serverkey": b"\1" + bytes(31)},
}


@pytest.mark.parametrize("wrong", WRONG_KEYS)
def test_wrong_keys(both, wrong):
    client = {**CURVE[1], **WRONG_KEYS[wrong]}
    decided = run(both, "tcp", CURVE[0], client, Meeting.decided, handler=None)
    assert "HANDSHAKE_SUCCEEDED" not in [name for name, _ in decided]


def test_curve_key_may_be_raw_or_end_with_nul(both):
    raw = bytes.fromhex("8e0bdd697628b91d8f245587ee95c5b04d48963f79259877b49cd9063aead3b7")
    client = {**CURVE[1], "curve_secretkey": CLIENT_SECRET + b"\0"}
    decided = run(
        both, "tcp", {**CURVE[0], "curve_secretkey": raw}, client, Meeting.decided, handler=None
    )
    assert decided == [("HANDSHAKE_SUCCEEDED", 0)] * 2


def test_two_plain_clients_refuse_each_other(both):
    decided = run(both, "tcp", PLAIN[1], PLAIN[1], Meeting.decided)
    assert "HANDSHAKE_SUCCEEDED" not in [name for name, _ in decided]

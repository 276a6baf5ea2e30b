"""Run the cases of the Autobahn WebSocket test suite, which keep their numbers.

As in the suite, a hand-written peer sends each case to a socket that echoes, once as its client and
once as its server. We test two such sockets: a ROUTER, which speaks ZWS 2.0, and a STREAM socket,
which speaks plain WebSocket. All messages are binary, as ZeroMQ's are. The first octet of each
message is 0. ZWS reads it as flags: no more frames, no command. To the STREAM socket it is data.

Some cases of the suite send a message and then a frame that has to be refused. The suite accepts a
server that does not echo the message. Our peer requires the echo before it sends that frame. The
limit cases (9) use smaller messages and fewer round trips than the suite does, but the same sizes
of fragments and writes.

Source: github.com/crossbario/autobahn-testsuite, ``autobahntestsuite/case``.
"""

from contextlib import suppress

import gevent
import pytest
from wspeer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    PING,
    PONG,
    TEXT,
    answer,
    frame,
    read_frame,
    read_head,
    request,
)

import zlinkcompat as zmq

MASKING_KEY = b"\x37\xfa\x21\x3d"
MESSAGE = b"\0Hello, world!"
BYTES = b"\0\xff\xfe\xfd\xfc\xfb\0\xff"
PARTS = [b"\0fragment1", b"fragment2", b"fragment3", b"fragment4", b"fragment5"]

#: A value of ``cut``: one write per frame. A positive number means writes of so many octets, and
#: None means one write for all frames.
BY_FRAME = 0

CASES = {}


def case(number, *steps, ends=None, cut=None):
    """Add a case to ``CASES``.

    Parameters
    ----------
    steps : tuple
        ``(frames that the peer sends, frames that it then has to receive)``.
    ends : int or bytes, optional
        The code, or the whole payload, of the close frame that the peer receives at the end. By
        default the peer itself closes with code 1000, and receives a close frame of the same code.
    cut : int, optional
        How the data are split into writes, see ``BY_FRAME``.
    """
    assert number not in CASES
    CASES[number] = steps, code(ends) if isinstance(ends, int) else ends, cut


def code(number):
    return number.to_bytes(2, "big")


def said(opcode, payload=b"", fin=True, reserved=0):
    return dict(opcode=opcode, payload=payload, fin=fin, reserved=reserved)


def seen(opcode, payload):
    return FIN | opcode, payload


def body(size):
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def fragments(parts, opcode=BINARY):
    last = len(parts) - 1
    return [said(CONTINUATION if n else opcode, part, n == last) for n, part in enumerate(parts)]


def echoed(payload, size=None):
    """Return a step whose message is echoed; it is sent in fragments of ``size`` octets, if set."""
    size = size or len(payload)
    parts = [payload[at : at + size] for at in range(0, len(payload), size)]
    return fragments(parts), [seen(BINARY, payload)]


# 1.2, messages. The empty message, 1.2.1, has a test of its own below, since ZWS refuses it.
for n, size in enumerate((1, 125, 126, 127, 128, 65535, 65536), 1):
    case(f"1.2.{n}", echoed(body(size)))
case("1.2.8", echoed(body(65536)), cut=997)

# 2, pings and pongs.
for n, payload in enumerate((b"", b"Hello, world!", BYTES, b"\xfe" * 125), 1):
    case(f"2.{n}", ([said(PING, payload)], [seen(PONG, payload)]))
case("2.5", ([said(PING, b"\xfe" * 126)], []), ends=1002)
case("2.6", ([said(PING, b"\xfe" * 125)], [seen(PONG, b"\xfe" * 125)]), cut=1)
case("2.7", ([said(PONG)], []))
case("2.8", ([said(PONG, b"unsolicited")], []))
case("2.9", ([said(PONG, b"unsolicited"), said(PING, b"asked")], [seen(PONG, b"asked")]))
for number, cut in ("2.10", None), ("2.11", 1):
    payloads = [b"payload-%d" % n for n in range(10)]
    case(
        number,
        ([said(PING, each) for each in payloads], [seen(PONG, each) for each in payloads]),
        cut=cut,
    )

# 3, reserved bits.
case("3.1", ([said(BINARY, MESSAGE, reserved=1)], []), ends=1002)
for n, cut in (2, None), (3, BY_FRAME), (4, 1):
    case(
        f"3.{n}",
        echoed(MESSAGE),
        ([said(BINARY, MESSAGE, reserved=n), said(PING)], []),
        ends=1002,
        cut=cut,
    )
case("3.5", ([said(BINARY, BYTES, reserved=5)], []), ends=1002)
case("3.6", ([said(PING, MESSAGE, reserved=6)], []), ends=1002)
case("3.7", ([said(CLOSE, code(1000), reserved=7)], []), ends=1002)

# 4, reserved opcodes.
for chapter, opcodes in (1, (3, 4, 5, 6, 7)), (2, (11, 12, 13, 14, 15)):
    for n, opcode in enumerate(opcodes, 1):
        before = [] if n < 3 else [echoed(MESSAGE)]
        frames = [said(opcode, b"" if n in (1, 3) else MESSAGE), said(PING)]
        case(f"4.{chapter}.{n}", *before, (frames, []), ends=1002, cut=1 if n == 5 else None)

# 5, fragments.
PAIR = fragments(PARTS[:2])
WHOLE = seen(BINARY, PARTS[0] + PARTS[1])
LOST = [said(CONTINUATION, b"of nothing", fin) for fin in (True, False)]
case("5.1", (fragments(PARTS[:2], PING), []), ends=1002)
case("5.2", (fragments(PARTS[:2], PONG), []), ends=1002)
for n, cut in enumerate((None, BY_FRAME, 1)):
    case(f"5.{3 + n}", (PAIR, [WHOLE]), cut=cut)
    case(
        f"5.{6 + n}",
        ([PAIR[0], said(PING, b"ping"), PAIR[1]], [seen(PONG, b"ping"), WHOLE]),
        cut=cut,
    )
    case(f"5.{9 + n}", ([LOST[0], said(BINARY, MESSAGE)], []), ends=1002, cut=cut)
    case(f"5.{12 + n}", ([LOST[1], said(BINARY, MESSAGE)], []), ends=1002, cut=cut)
case("5.15", (PAIR, [WHOLE]), ([LOST[1], said(BINARY, MESSAGE)], []), ends=1002)
case("5.16", ([LOST[1], *PAIR] * 2, []), ends=1002)
case("5.17", ([LOST[0], *PAIR] * 2, []), ends=1002)
case("5.18", ([said(BINARY, PARTS[0], False), said(BINARY, PARTS[1])], []), ends=1002)
FIVE = fragments(PARTS)
FIRST, SECOND = [*FIVE[:2], said(PING, b"1")], [*FIVE[2:4], said(PING, b"2"), FIVE[4]]
LAST = [seen(PONG, b"2"), seen(BINARY, b"".join(PARTS))]
case("5.19", (FIRST, [seen(PONG, b"1")]), (SECOND, LAST))
case("5.20", (FIRST + SECOND, [seen(PONG, b"1"), *LAST]), cut=BY_FRAME)

# 7, closing. Frames after a close frame are ignored.
END = said(CLOSE, code(1000))
case("7.1.1", echoed(MESSAGE), ([END], []), ends=1000)
case("7.1.2", ([END, END], []), ends=1000)
case("7.1.3", ([END, said(PING)], []), ends=1000)
case("7.1.4", ([END, said(BINARY, MESSAGE)], []), ends=1000)
case("7.1.5", ([PAIR[0], END, PAIR[1]], []), ends=1000)
for n, payload in (1, b""), (3, code(1000)), (4, code(1000) + b"bye"), (5, code(1000) + b"*" * 123):
    case(f"7.3.{n}", ([said(CLOSE, payload)], []), ends=payload)
case("7.3.2", ([said(CLOSE, b"a")], []), ends=1002)
case("7.3.6", ([said(CLOSE, code(1000) + b"*" * 124)], []), ends=1002)
case("7.5.1", ([said(CLOSE, code(1000) + b"\xce\xba\xed\xa0\x80edited")], []), ends=1007)
for n, number in enumerate((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000,
                            4999), 1):  # fmt: skip
    case(f"7.7.{n}", ([said(CLOSE, code(number))], []), ends=number)
for n, number in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
    case(f"7.9.{n}", ([said(CLOSE, code(number))], []), ends=1002)
for n, number in enumerate((5000, 65535), 1):
    case(f"7.13.{n}", ([said(CLOSE, code(number))], []), ends=1002)

# 9, limits: large messages (9.2), sent in fragments (9.4) or small writes (9.6), and many round
# trips (9.8). 10, a message in fragments of 1300 octets.
for n, size in enumerate((1 << 16, 1 << 18, 1 << 20), 1):
    case(f"9.2.{n}", echoed(body(size)))
for n in range(8):
    size = 64 << 2 * n
    message = body(min(512 * size, max(1 << 18, size)) + 1)
    case(f"9.4.{n + 1}", echoed(message, size))
    case(f"9.4.{n + 1}-odd", echoed(message, size - 1), cut=min(255 * size, 65521))
for n in range(6):
    case(f"9.6.{n + 1}", echoed(body(128 * (64 << n))), cut=64 << n)
for n, size in enumerate((1, 16, 64, 256, 1024, 4096), 1):
    case(f"9.8.{n}", *[echoed(body(size))] * 20)
case("10.1.1", echoed(body(65536), 1300))


class Peer:
    """A hand-written peer of a socket that echoes, with the upgrade done."""

    def __init__(self, raw, key):
        self.raw = raw
        self.key = key  # a client masks its frames

    def say(self, frames, cut=None):
        pieces = [frame(key=self.key, **each) for each in frames]
        if cut != BY_FRAME:
            data = b"".join(pieces)
            step = cut or len(data)
            pieces = [data[at : at + step] for at in range(0, len(data), step)]
        with suppress(ConnectionError):  # the socket may disconnect before the last piece
            for piece in pieces:
                self.raw.send(piece)
                if len(pieces) > 1:
                    gevent.idle()  # wait until the socket has read it

    def play(self, steps, ends, cut):
        """Send a case; return all frames that arrive, and the bytes after the close frame."""
        found = []
        for frames, expected in steps:
            self.say(frames, cut)
            found += [read_frame(self.raw) for _ in expected]
        if ends is None:
            self.say([END])
        found.append(read_frame(self.raw))
        return found, self.raw.read_to_end()


def echo(sock):
    while True:
        name, data = sock.recv_multipart()
        # A STREAM socket receives an empty message when a peer connects or disconnects: skip it.
        if data or sock.type == zmq.ROUTER:
            with suppress(zmq.ZMQError):  # the peer may have disconnected since it sent the message
                sock.send_multipart([name, data])


@pytest.fixture
def peers(make, raw, raw_listener):
    """``peers(zmq.STREAM)`` yields a client and a server of echoing sockets as ``(side, Peer)``."""
    greenlets = []

    def peers(kind):
        protocol = b"ZWS2.0" if kind == zmq.ROUTER else None
        for side in "client", "server":
            sock = make(kind, linger=0, reconnect_ivl=-1)
            if side == "client":
                sock.bind("ws://127.0.0.1:*")
                endpoint = sock.last_endpoint.decode().rstrip("/")
                peer = Peer(raw(endpoint.replace("ws:", "tcp:")), MASKING_KEY)
                peer.raw.send(request(protocols=protocol))
                read_head(peer.raw)
            else:
                listener = raw_listener()
                sock.connect(listener.endpoint.replace("tcp:", "ws:"))
                peer = Peer(listener.accept(), None)
                peer.raw.send(answer(read_head(peer.raw), protocol))
            if protocol is not None:
                # Each peer sends its routing id, which is empty.
                peer.say([said(BINARY, b"\0")])
                assert read_frame(peer.raw) == seen(BINARY, b"\0")
            greenlets.append(gevent.spawn(echo, sock))
            yield side, peer

    yield peers
    gevent.killall(greenlets)


KINDS = zmq.ROUTER, zmq.STREAM


@pytest.mark.parametrize("number", CASES)
def test_autobahn_case(peers, number):
    steps, ends, cut = CASES[number]
    expected = [each for _, frames in steps for each in frames]
    expected.append(seen(CLOSE, code(1000) if ends is None else ends))
    for kind in KINDS:
        for side, peer in peers(kind):
            assert peer.play(steps, ends, cut) == (expected, b""), (kind, side)


def test_case_1_1_text(peers):
    """A ROUTER refuses text. A STREAM socket accepts it, and by default answers in binary frames.

    The option WS_TEXT could choose text frames.
    """
    for _, peer in peers(zmq.ROUTER):
        assert peer.play([([said(TEXT, MESSAGE)], [])], code(1003), None) == (
            [seen(CLOSE, code(1003))],
            b"",
        )
    for _, peer in peers(zmq.STREAM):
        assert peer.play([([said(TEXT, MESSAGE)], [seen(BINARY, MESSAGE)])], None, None) == (
            [seen(BINARY, MESSAGE), seen(CLOSE, code(1000))],
            b"",
        )


def test_case_1_2_1_empty_message(peers):
    """A ROUTER refuses an empty message, which lacks ZWS's flags; a STREAM socket accepts it."""
    for _, peer in peers(zmq.ROUTER):
        assert peer.play([([said(BINARY)], [])], code(1002), None) == (
            [seen(CLOSE, code(1002))],
            b"",
        )
    for _, peer in peers(zmq.STREAM):
        assert peer.play(
            [([said(BINARY), said(BINARY, MESSAGE)], [seen(BINARY, MESSAGE)])], None, None
        ) == ([seen(BINARY, MESSAGE), seen(CLOSE, code(1000))], b"")


def test_case_7_1_6_large_message_before_close(peers):
    """The connection ends. How much of the echo arrives before that is left open by the suite."""
    for kind in KINDS:
        for _, peer in peers(kind):
            peer.say([said(BINARY, body(1 << 18)), END, said(PING)])
            data = peer.raw.read_to_end()
            assert len(data) < (1 << 18) + 100

"""The TLS stream handles records without data, and many records with little data."""

import fcntl
import socket
import ssl
import struct
import termios

import certificates
import keyupdates
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zlinkcompat.transports.tls_stream import TlsError, TlsStream
from zlinkcompat.wire.errors import ProtocolError
from zlinkcompat.wire.zmtp.decoder import RawDecoder
from zlinkcompat.wire.zmtp.encoder import RawEncoder

#: The limits of the module, where they are C constants. docs/security.md documents the second.
PORTION = 32
DATALESS_MAX = 32


class ServerLink:
    bind = True
    alpn = ()

    def __init__(self):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificates.authority("ours").issue_cert("localhost").configure_cert(self.context)

    def wrap(self, incoming, outgoing):
        return self.context.wrap_bio(incoming, outgoing, server_side=True)


class Pair:
    """A :class:`TlsStream`, and OpenSSL at the other end of its socket."""

    link = None

    def __init__(self, version=ssl.TLSVersion.TLSv1_3):
        Pair.link = Pair.link or ServerLink()
        ours, self.sock = socket.socketpair()
        for sock in (ours, self.sock):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        ours.setblocking(False)
        self.sock.settimeout(10)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=certificates.ca_pem().decode())
        context.maximum_version = version
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.stream = TlsStream(ours.detach(), self.link)
        self.decoder, self.encoder = RawDecoder(), RawEncoder()
        done = False
        while not done:
            try:
                self.tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            self.sock.sendall(self.outgoing.read())
            if not self.stream.begin() or not done:
                self.incoming.write(self.sock.recv(65536))
        assert self.stream.begin()

    def said(self, data):
        """Return a record with ``data`` as ciphertext."""
        self.tls.write(data)
        return self.outgoing.read()

    def updates(self, count, ask=False):
        return keyupdates.update(self.tls, self.outgoing, count, ask)

    def receive(self, ciphertext):
        """Send ciphertext to the stream; return all plaintext that the stream produces."""
        found = []
        self.sock.setblocking(False)
        while True:
            if ciphertext:
                try:
                    ciphertext = ciphertext[self.sock.send(ciphertext) :]
                except BlockingIOError:
                    pass
            count = self.stream.read_into(self.decoder)
            if count > 0:
                found.append(self.decoder.next())
            elif not ciphertext and count < 0 and not self.stream.buffered:
                return b"".join(found)

    def close(self):
        self.stream.close()
        self.sock.close()


@pytest.fixture
def pair():
    pair = Pair()
    yield pair
    pair.close()


def test_read_of_key_updates_alone_returns_at_once(pair):
    pair.sock.sendall(pair.updates(10))
    assert pair.stream.read_into(pair.decoder) == -1
    assert not pair.stream.buffered
    assert pair.receive(pair.said(b"then data")) == b"then data"


@pytest.mark.parametrize("ask", [False, True])
def test_few_key_updates_between_data_are_allowed(pair, ask):
    for _ in range(5):
        data = pair.updates(DATALESS_MAX - 10, ask) + pair.said(b"data")
        for _ in range(DATALESS_MAX):
            data += pair.said(b".")
        assert pair.receive(data) == b"data" + b"." * DATALESS_MAX
    pair.sock.setblocking(True)


@pytest.mark.parametrize("ask", [False, True])
def test_peer_with_too_many_key_updates_is_dropped(pair, ask):
    with pytest.raises(TlsError, match="records without data"):
        pair.receive(pair.updates(2 * DATALESS_MAX + PORTION, ask))


@pytest.mark.parametrize("ask", [False, True])
def test_one_byte_does_not_allow_many_key_updates(pair, ask):
    data = b"".join(pair.updates(10, ask) + pair.said(b"x") for _ in range(20))
    with pytest.raises(TlsError, match="records without data"):
        pair.receive(data)


def test_unread_answers_are_limited(pair):
    # Send many key updates, since an answer has only 27 bytes and the kernel buffers some.
    with pytest.raises(TlsError, match="did not read"):
        for _ in range(40):
            pair.receive(b"".join(pair.updates(1, True) + pair.said(b"x") for _ in range(500)))


def test_data_and_answers_stay_in_order_with_full_buffers(pair):
    """With full kernel buffers, data and answers to key updates are written in order."""
    sent = [bytes([i]) * 100_000 for i in range(3)]
    expected = b"".join(sent)
    written = 0
    found = b""
    for body in sent:
        assert pair.encoder.add(body)
        while pair.encoder.pending:
            count = pair.stream.write_from(pair.encoder)
            if count > 0:
                pair.encoder.advance(count)
                written += count
            else:
                asked = b"".join(pair.updates(1, True) + pair.said(b"x") for _ in range(20))
                assert pair.receive(asked) == b"x" * 20
                found += read_some(pair)
    pair.sock.settimeout(0.05)
    while len(found) < len(expected):
        pair.stream.write_from(pair.encoder)
        found += read_some(pair)
    assert (found, written) == (expected, len(expected))


def read_some(pair):
    """Return the data that the other end can decrypt from the stream's records."""
    found = b""
    try:
        pair.incoming.write(pair.sock.recv(50_000))
    except (BlockingIOError, TimeoutError):
        return found
    try:
        while True:
            found += pair.tls.read(65536)
    except ssl.SSLWantReadError:
        return found


def test_many_small_records_are_read_in_batches(pair):
    count = 3 * PORTION + 7
    data = b"".join(pair.said(bytes([i % 251])) for i in range(count))
    pair.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    pair.sock.sendall(data)
    sizes = []
    while (size := pair.stream.read_into(pair.decoder)) > 0:
        sizes.append(size)
        assert pair.stream.buffered == (sum(sizes) < count)
    assert sizes == [PORTION] * 3 + [7]
    assert pair.decoder.next() == bytes(i % 251 for i in range(count))


@settings(max_examples=30)
@given(
    st.lists(st.one_of(st.integers(1, 40_000), st.just(0)), max_size=30),
    st.lists(st.integers(1, 70_000), max_size=20),
    st.sampled_from([ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]),
)
def test_records_split_at_any_byte(sizes, cuts, version):
    """The data arrive, at whatever bytes the records are split. A size of 0 is a key update."""
    pair = Pair(version)
    try:
        sent = found = data = b""
        for size in sizes:
            if size:
                sent += (body := bytes([size % 256]) * size)
                data += pair.said(body)
            elif version == ssl.TLSVersion.TLSv1_3:
                data += pair.updates(1)
        for cut in cuts:
            found += pair.receive(data[:cut])
            data = data[cut:]
        assert found + pair.receive(data) == sent
    finally:
        pair.close()


def test_long_handshake_lets_others_run():
    """During a long handshake, each call reads at most once, up to 16 KiB.

    The hello is split into records of one byte, so that it takes many reads.
    """
    Pair.link = Pair.link or ServerLink()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 21)
    stream = TlsStream(ours.detach(), Pair.link)
    theirs.setblocking(False)
    hello = b"\x01\x01\xff\xff" + bytes(60_000)  # half of a hello of 131,071 bytes
    data = b"".join(b"\x16\x03\x01\0\x01" + hello[i : i + 1] for i in range(len(hello)))
    try:
        waiting = theirs.send(data)
        with pytest.raises(ProtocolError, match="longer than 131072 bytes"):
            while waiting:
                assert not stream.begin()
                told = fcntl.ioctl(stream.fd, termios.FIONREAD, bytes(4))
                left = struct.unpack("i", told)[0]
                assert 0 < waiting - left <= 1 << 14
                waiting = left
    finally:
        stream.close()
        theirs.close()

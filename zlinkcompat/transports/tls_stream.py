"""The stream of a TLS connection: ``ssl.SSLObject`` between two memory BIOs and a descriptor.

With memory BIOs the engine makes the system calls itself, and they never block. The stream keeps
ciphertext that the kernel does not accept yet. Plaintext counts as written when the kernel has
accepted the whole record. So when a connection dies, the unsent messages are known as exactly as
over tcp, and no message that a peer may have read is sent again.

Until :meth:`TlsStream.begin` is done, the peer is not trusted and no message is sent.
"""

from __future__ import annotations

import ssl
from typing import Any

from zlinkcompat._runtime.guard import Guard
from zlinkcompat.transports.socket_stream import SocketStream
from zlinkcompat.wire.errors import TLS_CERTIFICATE, TLS_UNSPECIFIED, ProtocolError
from zlinkcompat.wire.zmtp.decoder import Decoder
from zlinkcompat.wire.zmtp.encoder import Encoder

#: The most plaintext in one record (RFC 8446, 5.1), and in all records that wait for the kernel.
#: One read takes at most ``AHEAD`` bytes of ciphertext.
RECORD = 16384
AHEAD = 262144

#: How many records are given to OpenSSL at a time. One call of OpenSSL continues until a record has
#: data, and a key update takes some microseconds.
PORTION = 32

#: How many records without data (key updates, session tickets) a peer may send. Each record with
#: data allows one more.
DATALESS_MAX = 32

#: How many bytes of replies to key updates may wait for a peer that does not read.
ANSWERS_MAX = 65536

HEADER = 5  # bytes of a record's header; its last two are the size of what follows (RFC 8446, 5.1)

#: How many bytes a peer may send before the TLS handshake is done. OpenSSL accepts certificate
#: chains of up to 100 KiB.
TLS_HANDSHAKE_BYTES_MAX = 131072

#: Buffers for received ciphertext, which all streams reuse. In the pure build receiving releases
#: the GIL, so there may be as many buffers as threads that receive at the same time.
spare: list[bytearray] = []


class TlsError(ProtocolError):
    """The peer's bytes are not TLS, or one side rejects the other's certificate."""

    def __init__(self, error: Any) -> None:
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
        Exception.__init__(self, f"TLS: {reason}")
        self.offset = 0
        self.answer = b""
        refused = isinstance(error, ssl.SSLCertVerificationError)
        self.code = TLS_CERTIFICATE if refused else TLS_UNSPECIFIED


class TlsStream(SocketStream):
    """A TLS connection.

    Parameters
    ----------
    fd : int
        The descriptor of a connected, non-blocking socket, which the stream owns from now on.
    link : TlsLink

    Attributes
    ----------
    tls : ssl.SSLObject
    """

    def __init__(self, fd: int, link: Any) -> None:
        # Do this first, because it may fail. After a failure the caller must still own the
        # descriptor.
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = link.wrap(self.incoming, self.outgoing)
        SocketStream.__init__(self, fd)
        # OpenSSL's calls release the GIL, but only one thread at a time may use its object.
        self.concurrent_read_write = False
        self.guard = Guard()
        self.link = link
        # Bind the methods once, because looking them up costs time on each small message. Use the
        # inner object: a signal handler could raise in the Python wrapper and lose data.
        inner = getattr(self.tls, "_sslobj", self.tls)
        self.read = inner.read
        self.write = inner.write
        self.unsent: Any = None
        self.sent = 0
        self.answers = bytearray()  # replies to key updates, sent after ``unsent``
        self.answering = False  # ``unsent`` consisted of such replies
        self.waiting: Any = (
            None  # ciphertext that OpenSSL does not have yet, from ``waiting_at`` on
        )
        self.waiting_at = 0
        self.record_left = 0
        self.header_filled = 0
        self.size_high = 0
        self.dataless = 0
        self.records: list[
            Any
        ] = []  # (end of its ciphertext, size of its plaintext) of each in ``unsent``
        self.first_record = 0
        self.encrypted = 0
        self.ready = False
        self.handshake_bytes = 0

    def begin(self) -> bool:
        """Continue the TLS handshake, with at most one read.

        Returns
        -------
        bool
            Whether the handshake is done. If not, call this again when the descriptor is readable
            or, while :attr:`blocked`, writable.

        Raises
        ------
        TlsError
        OSError
            EPIPE: the peer closed the connection.
        """
        may_read = True
        while not self.ready or self.unsent is not None:
            if not self.push():
                self.blocked = True
                return False
            self.blocked = False
            if self.ready:
                break
            try:
                self.tls.do_handshake()
                self.ready = True
                self.check_alpn()
                self.dataless = 0
                self.collect()
                continue
            except ssl.SSLWantReadError:
                self.collect()
                if self.unsent is not None:
                    continue
                if self.feed():
                    continue
            except ssl.SSLError as error:
                # The alert tells the peer the reason, if it is still connected.
                self.collect()
                try:
                    self.push()
                except OSError:
                    pass
                raise TlsError(error) from None
            if may_read:
                may_read = False
                if self.handshake_bytes >= TLS_HANDSHAKE_BYTES_MAX:
                    raise ProtocolError(
                        f"the TLS handshake is longer than {TLS_HANDSHAKE_BYTES_MAX} bytes",
                        None,
                        TLS_UNSPECIFIED,
                    )
                # Read only once, because a peer may split its handshake into records of one byte.
                count = self.fetch(None, RECORD)
                if count == 0:
                    raise OSError(32, "the peer closed in the middle of the TLS handshake")
                if count > 0:
                    self.handshake_bytes += count
                    continue
            return False
        return True

    def check_alpn(self) -> None:
        """Reject a peer that agreed on none of the application protocols of TLS_ALPN."""
        wanted = self.link.alpn
        if wanted and self.tls.selected_alpn_protocol() not in wanted:
            raise TlsError(
                "the peer does not agree on an application protocol (ALPN) of TLS_ALPN: "
                + ", ".join(wanted)
            )

    def fetch(self, counters: Any = None, most: int = AHEAD) -> int:
        """Read ciphertext from the kernel. Return its size; 0 at the end; -1 if there is none."""
        if counters is not None:
            counters.read_calls += 1
        try:
            scratch = spare.pop()
        except IndexError:
            scratch = bytearray(AHEAD)
        try:
            count = self.receive(scratch if most == AHEAD else memoryview(scratch)[:most])
            if count > 0:
                end = self.portion(scratch, 0, count)
                self.incoming.write(memoryview(scratch)[:end])
                if end < count:
                    self.waiting = bytes(scratch[end:count])
                    self.waiting_at = 0
        finally:
            spare.append(scratch)
        return count

    def feed(self) -> bool:
        """Give OpenSSL the next portion of the ciphertext. Return False if there is none.

        Raises
        ------
        TlsError
            Too many records without data arrived.
        """
        if self.waiting is None:
            return False
        if self.ready:
            self.check_dataless()
        end = self.portion(self.waiting, self.waiting_at, len(self.waiting))
        self.incoming.write(memoryview(self.waiting)[self.waiting_at : end])
        self.waiting_at = end
        if end == len(self.waiting):
            self.waiting = None
        return True

    def portion(self, data: bytearray | bytes, at: int, end: int) -> int:
        """Return where the next :data:`PORTION` records end. Count all as records without data."""
        records = 0
        while at < end:
            if self.record_left:
                step = min(self.record_left, end - at)
                self.record_left -= step
                at += step
                continue
            if records == PORTION:
                break
            self.header_filled += 1
            if self.header_filled == HEADER - 1:
                self.size_high = data[at]
            elif self.header_filled == HEADER:
                self.record_left = self.size_high << 8 | data[at]
                self.header_filled = 0
                records += 1
            at += 1
        self.dataless += records
        return at

    def read_into(self, decoder: Decoder) -> int:
        if not self.guard.try_enter():
            # Another thread uses the stream. The descriptor stays readable, or `buffered` is set.
            return -1
        try:
            return self.decrypt_into(decoder)
        finally:
            self.guard.exit()

    def write_from(self, encoder: Encoder) -> int:
        if not self.guard.try_enter():
            # Another thread is using the stream. The I/O thread will write soon, because the
            # descriptor is writable.
            return -1
        try:
            return self.encrypt_from(encoder)
        finally:
            self.guard.exit()

    def decrypt_into(self, decoder: Decoder) -> int:
        incoming = self.incoming
        room = None
        size = filled = 0
        fetched = ended = False
        result = -1
        while not (filled or ended):
            if not (incoming.pending or self.feed() or self.buffered):
                # Stop after one fetch without data, so that other connections are served. If it
                # ended inside a record, fetch the rest of the record as well.
                if fetched and not self.record_left:
                    break
                result = self.fetch(decoder.counters)
                if result <= 0:
                    break
                result = -1
                fetched = True
            if room is None:
                room = decoder.get_buffer()
                size = len(room)
            try:
                while filled < size:
                    count = self.read(size - filled, room[filled:] if filled else room)
                    if count == 0:
                        ended = True  # close_notify
                        break
                    filled += count
                    # This record had data, so it allows one record without data.
                    self.dataless = max(self.dataless - 2, 0)
                    if not incoming.pending:
                        # OpenSSL returned all data of the record, and reads one record per call.
                        # Another call would only raise an exception.
                        break
            except ssl.SSLWantReadError:
                self.buffered = False
            except ssl.SSLError as error:
                if not filled:
                    raise TlsError(error) from None
                self.buffered = True  # deliver the data before the error
            else:
                # Report the end after the data before it.
                self.buffered = filled == size or ended
        if self.waiting is not None:
            self.buffered = True
        if self.outgoing.pending or self.answering or self.answers:
            self.answer()
        if filled:
            decoder.commit(filled)
            return filled
        if ended:
            return 0
        self.check_dataless()
        return result

    def check_dataless(self) -> None:
        if self.dataless > DATALESS_MAX:
            raise TlsError(f"over {DATALESS_MAX} records without data, such as key updates")

    def answer(self) -> None:
        """Send what OpenSSL produced by itself: replies to key updates, alerts."""
        self.collect()
        try:
            self.push()
        except OSError:
            # The data that the peer sent before can still be read. The next read or write reports
            # the error.
            return
        if len(self.answers) > ANSWERS_MAX:
            raise TlsError(
                f"the peer did not read {len(self.answers)} bytes of answers to its key updates"
            )

    def encrypt_from(self, encoder: Encoder) -> int:
        counters = encoder.counters
        if not self.push(counters):
            return self.report() or -1
        # All earlier records are sent, but their plaintext is still at the head of the encoder.
        done = self.report()
        skip = done
        ahead = 0
        outgoing = self.outgoing
        try:
            for view in encoder.vector():
                size = len(view)
                if skip >= size:
                    skip -= size
                    continue
                at = skip
                skip = 0
                while at < size and ahead < AHEAD:
                    end = min(at + RECORD, size)
                    self.write(view if end - at == size else view[at:end])
                    self.records.append((outgoing.pending, end - at))
                    ahead += end - at
                    at = end
        except ssl.SSLError as error:
            raise OSError(32, f"TLS: {error.reason}") from None
        if ahead:
            self.encrypted = ahead
            self.collect()
            self.push(counters)
            done += self.report()
        return done or (-1 if self.unsent is not None else 0)

    def collect(self) -> None:
        """Append OpenSSL's output to the data that waits for the kernel."""
        if not self.outgoing.pending:
            return
        data = self.outgoing.read()
        if self.unsent is not None:
            # The output is never a message: messages are encrypted only after all earlier data was
            # sent.
            self.answers += data
            return
        self.unsent = data
        self.sent = 0

    def push(self, counters: Any = None) -> bool:
        """Send waiting data; return False if the kernel does not accept all of it now."""
        while self.unsent is not None:
            if counters is not None:
                counters.write_calls += 1
            count = self.transmit(self.unsent, self.sent)
            if count < 0:
                return False
            self.sent += count
            if self.sent < len(self.unsent):
                if counters is not None:
                    counters.partial_write_count += 1
                return False
            self.unsent = None
            self.answering = False
            if self.answers:
                self.unsent = bytes(self.answers)
                self.sent = 0
                self.answers = bytearray()
                self.answering = True
        return True

    def report(self) -> int:
        """Return the plaintext (bytes) of records that the kernel accepted since the last call."""
        if self.unsent is None or self.answering:
            done = self.encrypted
            if self.records:
                self.records = []
                self.first_record = 0
            self.encrypted = 0
            return done
        done = 0
        while self.first_record < len(self.records):
            end, size = self.records[self.first_record]
            if end > self.sent:
                break
            done += size
            self.first_record += 1
        self.encrypted -= done
        return done

    def end(self) -> None:
        """Send close_notify if possible, and keep the session for the next connection."""
        if not self.ready:
            return
        link = self.link
        # A session belongs to one context. Reloading certificates creates a new context.
        if not link.bind and self.tls.context is link.context and self.tls.session is not None:
            link.session = self.tls.session
        if self.unsent is None:
            try:
                self.tls.unwrap()
            except (ssl.SSLError, ValueError):
                pass
            self.collect()
            self.push()


__all__ = ["Decoder", "Encoder", "TlsStream"]

"""The stream of a TLS connection: ``ssl.SSLObject`` between two memory BIOs and a descriptor.

So reads and writes are the engine's own, and never wait. The ciphertext that the kernel does not
take stays here; plaintext counts as written when the kernel has the whole record it is in, so
that what a dying connection did not deliver is known as exactly as over tcp, and nothing that a
peer may have read is sent it again.

The peer is trusted from the end of :meth:`TlsStream.begin` on: before, the encoder is not asked.
"""

import ssl

from zlinkcompat.transports.socket_stream import SocketStream
from zlinkcompat.wire.errors import TLS_CERTIFICATE, TLS_UNSPECIFIED, ProtocolError
from zlinkcompat.wire.zmtp.frames import Decoder, Encoder

#: Plaintext of one record, at most (RFC 8446, 5.1), and of all that wait for the kernel; as much
#: ciphertext is taken from it in one call.
RECORD = 16384
AHEAD = 262144

#: Records given to OpenSSL at a time: it goes on within one call until one of them has data, and a
#: key update takes it some microseconds.
PORTION = 32

#: Records without data (key updates, session tickets) that a peer may send; each record with data
#: allows one more.
DATALESS_MAX = 32

#: Bytes of answers to key updates that may wait for a peer that does not read.
ANSWERS_MAX = 65536

HEADER = 5  # bytes of a record's header; its last two are the size of what follows (RFC 8446, 5.1)

#: Bytes that a peer may send before the TLS handshake is over. OpenSSL takes chains of certificates
#: of up to 100 KiB.
TLS_HANDSHAKE_BYTES_MAX = 131072

#: Buffers that ciphertext is received into, and given on from at once: as many as there were ever
#: threads that did so together, since uncompiled that lets go of the GIL.
spare = []


class TlsError(ProtocolError):
    """The peer's bytes are not TLS, or one side refuses the other's certificate."""

    def __init__(self, error):
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
        Of a connected, non-blocking socket; the stream owns it from now on.
    link : TlsLink

    Attributes
    ----------
    tls : ssl.SSLObject
    """

    def __init__(self, fd, link):
        # First, since it may fail: the descriptor is the caller's then.
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = link.wrap(self.incoming, self.outgoing)
        SocketStream.__init__(self, fd)
        # OpenSSL's calls let go of the GIL; its object is one thread's at a time.
        self.concurrent_read_write = False
        self.busy = False
        self.link = link
        # Bound once: to look them up at each call is a tenth of what a small message costs. Without
        # the frame of Python around them, in which a signal's exception could lose what was read.
        inner = getattr(self.tls, "_sslobj", self.tls)
        self.read = inner.read
        self.write = inner.write
        self.unsent = None
        self.sent = 0
        self.answers = bytearray()  # to key updates, behind ``unsent``
        self.answering = False  # ``unsent`` was such answers
        self.waiting = None  # ciphertext that OpenSSL was not given yet, from ``waiting_at`` on
        self.waiting_at = 0
        self.record_left = 0
        self.header_filled = 0
        self.size_high = 0
        self.dataless = 0
        self.records = []  # (where its ciphertext ends, its plaintext) of each in ``unsent``
        self.first_record = 0
        self.encrypted = 0
        self.ready = False
        self.handshake_bytes = 0

    def begin(self):
        """Go on with the TLS handshake, by one read at most.

        Returns
        -------
        bool
            Whether it is done. If not, call again when the descriptor is readable or, while
            :attr:`blocked`, writable. The event loop serves others in between.

        Raises
        ------
        TlsError
        OSError
            EPIPE: the peer closed meanwhile.
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
                # The alert tells the peer why, if it is still there.
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
                # A stranger may cut its handshake into records of one byte.
                count = self.fetch(None, RECORD)
                if count == 0:
                    raise OSError(32, "the peer closed in the middle of the TLS handshake")
                if count > 0:
                    self.handshake_bytes += count
                    continue
            return False
        return True

    def check_alpn(self):
        """Refuse a peer with which none of the application protocols of TLS_ALPN was agreed on."""
        wanted = self.link.alpn
        if wanted and self.tls.selected_alpn_protocol() not in wanted:
            raise TlsError(
                "the peer does not agree on an application protocol (ALPN) of TLS_ALPN: "
                + ", ".join(wanted)
            )

    def fetch(self, counters=None, most=AHEAD):
        """Take ciphertext from the kernel: bytes, 0 at the end, -1 if there is none now."""
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

    def feed(self):
        """Give OpenSSL the next portion of what was fetched; False if there is none.

        Raises
        ------
        TlsError
            Too many records came without data.
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

    def portion(self, data, at, end):
        """Where in ciphertext the next :data:`PORTION` records end; they count as without data."""
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

    def read_into(self, decoder):
        if self.busy:
            # Another thread is in here. The descriptor stays readable, or `buffered` is set.
            return -1
        self.busy = True
        try:
            return self.decrypt_into(decoder)
        finally:
            self.busy = False

    def write_from(self, encoder):
        if self.busy:
            # The descriptor is writable: the I/O thread writes in a moment.
            return -1
        self.busy = True
        try:
            return self.encrypt_from(encoder)
        finally:
            self.busy = False

    def decrypt_into(self, decoder):
        incoming = self.incoming
        room = None
        size = filled = 0
        fetched = ended = False
        result = -1
        while not (filled or ended):
            if not (incoming.pending or self.feed() or self.buffered):
                # One fetch that held no data is enough: while such bytes come, others wait. In the
                # middle of a record the next fetch is no other one.
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
                    # This record had data, and pays for one without.
                    self.dataless = max(self.dataless - 2, 0)
                    if not incoming.pending:
                        # OpenSSL gives all it has of a record, and takes no more than one:
                        # to ask once more would cost an exception.
                        break
            except ssl.SSLWantReadError:
                self.buffered = False
            except ssl.SSLError as error:
                if not filled:
                    raise TlsError(error) from None
                self.buffered = True  # what came before it first
            else:
                # The end is told after what came before it.
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

    def check_dataless(self):
        if self.dataless > DATALESS_MAX:
            raise TlsError(f"over {DATALESS_MAX} records without data, such as key updates")

    def answer(self):
        """Send what OpenSSL has to say without being asked: answers to key updates, alerts."""
        self.collect()
        try:
            self.push()
        except OSError:
            # What the peer sent before it went counts; the next read or write tells.
            return
        if len(self.answers) > ANSWERS_MAX:
            raise TlsError(
                f"the peer did not read {len(self.answers)} bytes of answers to its key updates"
            )

    def encrypt_from(self, encoder):
        counters = encoder.counters
        if not self.push(counters):
            return self.report() or -1
        # All earlier records are out: the encoder still has their plaintext at its head.
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

    def collect(self):
        """Put what OpenSSL wants to send behind what waits for the kernel."""
        if not self.outgoing.pending:
            return
        data = self.outgoing.read()
        if self.unsent is not None:
            # Never plaintext: that is encrypted when all before it is out.
            self.answers += data
            return
        self.unsent = data
        self.sent = 0

    def push(self, counters=None):
        """Send what waits; False if the kernel does not take all of it now."""
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

    def report(self):
        """Plaintext (bytes) of records that the kernel took since this was last asked."""
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

    def end(self):
        """Say close_notify, if it can be said now, and keep the session for the next dial."""
        if not self.ready:
            return
        link = self.link
        # Sessions are of one context, which is another one when certificates were loaded again.
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

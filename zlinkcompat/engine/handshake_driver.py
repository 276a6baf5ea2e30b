"""The handshake of a connection. It runs once, in the connection's greenlet, before any message.

The peer is not trusted yet. The driver reads once per iteration of the event loop, within
HANDSHAKE_IVL and :data:`HANDSHAKE_BYTES_MAX`, and asks the program's ZAP handler whether to accept
the peer.
"""

from __future__ import annotations

from errno import EFAULT, EPIPE, ETIMEDOUT
from typing import TYPE_CHECKING

from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat.engine import protocols
from zlinkcompat.engine.errors import Disconnected
from zlinkcompat.engine.zap_client import ZapClient
from zlinkcompat.wire.errors import ProtocolError
from zlinkcompat.wire.zmtp.decoder import Decoder

if TYPE_CHECKING:
    from zlinkcompat.engine.connection import Connection
    from zlinkcompat.wire.zmtp.handshake import Handshake
    from zlinkcompat.wire.zmtp.legacy import Version


#: The largest frame of a handshake, in bytes. MAXMSGSIZE may be smaller.
HANDSHAKE_FRAME_MAX = 65536

#: How many bytes, of any kind, a peer may send before its handshake is done.
HANDSHAKE_BYTES_MAX = 131072

#: How many bytes a peer may send while a ZAP handler still decides about it.
AHEAD_OF_ZAP_REPLY = 4096


class HandshakeDriver:
    """The handshake of one connection.

    Parameters
    ----------
    connection : Connection
        It provides the stream, sends the driver's output, and parks the greenlet.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.session = connection.session
        self.stream = connection.stream
        self.decoder = connection.decoder
        self.deadline = 0  # ns of the monotonic clock; 0 means none

    def run(self) -> bool:
        """Perform the handshake.

        Returns
        -------
        bool
            False if the connection was closed during the handshake.

        Raises
        ------
        Disconnected
            The peer closed the connection, or no ZAP handler could check it.
        ProtocolError
            The peer violated the protocol.
        """
        connection = self.connection
        timer = handshake = None
        interval = self.session.options.handshake_ivl
        if interval > 0:
            self.deadline = monotonic_ns() + interval * 1_000_000
            timer = connection.loop.gevent_loop.timer(interval / 1000.0)
            timer.start(connection.loop.call_guarded, self.on_timeout)
        try:
            if not self.begin_stream():
                return False
            if not self.session.options.tuning.handshake_zerocopy and type(self.decoder) is Decoder:
                self.decoder = self.session.make_decoder()
            handshake = self.session.make_handshake(connection, self.decoder)
            return connection.is_handshaking() if handshake is None else self.exchange(handshake)
        finally:
            if handshake is not None:
                handshake.end()
            if self.decoder is not connection.decoder:
                self.decoder.discard()
            if timer is not None:
                timer.stop()
                timer.close()

    def begin_stream(self) -> bool:
        """Perform the stream's own handshake (TLS); False if the connection was closed."""
        connection = self.connection
        while not self.stream.begin():
            if self.stream.blocked:
                connection.writer.watch_writable()
            connection.park()
            if connection.has_failed:
                return False
        return True

    def on_timeout(self) -> None:
        self.connection.fail(Disconnected(ETIMEDOUT, "no handshake within HANDSHAKE_IVL"))

    def exchange(self, handshake: Handshake) -> bool:
        """Exchange commands until both sides are ready. Return the result of :meth:`run`."""
        connection = self.connection
        decoder = self.decoder
        limit = self.session.frame_max
        decoder.set_max_size(HANDSHAKE_FRAME_MAX if limit < 0 else min(limit, HANDSHAKE_FRAME_MAX))
        # Read before the first write. A peer that connected has usually sent its greeting, and the
        # reply is then written in the same system call as our own greeting.
        pending_output = handshake.start()
        may_read = True
        while True:
            if self.deadline and monotonic_ns() > self.deadline:
                # The timer may be late on a busy event loop.
                self.on_timeout()
                return False
            try:
                pending_output += handshake.advance()
            except ProtocolError as failure:
                failure.answer = pending_output + failure.answer
                raise
            waits = handshake.zap_request is None and not handshake.done
            if waits and may_read:
                may_read = False
                if self.read():
                    continue
            if pending_output:
                connection.writer.send_control(pending_output)
                pending_output = b""
            if waits:
                connection.park_to_read()
                if connection.has_failed:
                    return False
                may_read = True
            elif handshake.zap_request is not None:
                if not self.authenticate(handshake):
                    return False
            else:
                version = handshake.legacy_version
                if version is not None and not self.downgrade(version):
                    return False
                decoder.set_max_size(limit)
                if decoder is not connection.decoder:
                    connection.decoder.take_over(decoder)
                return connection.is_handshaking()

    def downgrade(self, version: Version) -> bool:
        """Switch to the codec of an older version. False if the connection was closed by then."""
        connection = self.connection
        while connection.writer.has_unwritten():
            connection.park()
            if connection.has_failed:
                return False
        connection.replace_codec(*protocols.make_legacy_codec(self.session, version))
        return True

    def read(self) -> bool:
        """Read once; return False if no data is available."""
        decoder = self.decoder
        if decoder.position + decoder.available >= HANDSHAKE_BYTES_MAX:
            raise ProtocolError(
                f"the handshake is longer than {HANDSHAKE_BYTES_MAX} bytes", decoder.position
            )
        count = self.stream.read_into(decoder)
        if count == 0:
            raise Disconnected(EPIPE, "the peer closed in the middle of the handshake")
        if count < 0:
            # Give the buffer back. Otherwise each of very many peers would keep one.
            decoder.release_if_empty()
        return count > 0

    def authenticate(self, handshake: Handshake) -> bool:
        """Ask the program's ZAP handler. False if the connection was closed before its reply."""
        connection = self.connection
        zap_request = handshake.zap_request
        client = ZapClient(connection)
        try:
            zap_reply = None
            if client.ask(zap_request):
                zap_reply = client.poll()
                while zap_reply is None:
                    # Continue to read, because only reading shows that the peer has left.
                    if self.decoder.available >= AHEAD_OF_ZAP_REPLY:
                        connection.reader.stop()
                        connection.park()
                    else:
                        self.read()
                        connection.park_to_read()
                    if connection.has_failed:
                        return False
                    zap_reply = client.poll()
            elif zap_request.required:
                raise Disconnected(EFAULT, "no ZAP handler is bound to check the peer")
        except ConnectionError as error:
            raise Disconnected(EFAULT, str(error))
        finally:
            client.close()
            connection.reader.start()
        answer = handshake.on_zap_reply(zap_reply)
        if answer:
            connection.writer.send_control(answer)
        return True

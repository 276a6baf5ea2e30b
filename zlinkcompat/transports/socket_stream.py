"""Pure-Python fallback of ``socket_stream.pyx``: the stream of a connected socket."""

from __future__ import annotations

import _socket
import select
from typing import TYPE_CHECKING

from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat.transports.bytestream import ByteStream

if TYPE_CHECKING:
    from zlinkcompat.wire.zmtp.decoder import Decoder
    from zlinkcompat.wire.zmtp.encoder import Encoder


poll = get_original("select", "poll")
POLLRDHUP = getattr(select, "POLLRDHUP", None)


class SocketStream(ByteStream):
    """The stream of a connected tcp or Unix socket.

    Parameters
    ----------
    fd : int
        The descriptor of a non-blocking socket, which the stream owns now (``sock.detach()``).
    """

    def __init__(self, fd: int) -> None:
        ByteStream.__init__(self, fd)
        # os.readv and os.writev do not fit: only sendmsg can suppress SIGPIPE, which would kill a
        # program that restores its default disposition. socket.socket: see sockets.py.
        self._socket = _socket.socket(fileno=fd)
        self._socket.setblocking(False)

    def read_into(self, decoder: Decoder) -> int:
        if decoder.counters is not None:
            decoder.counters.read_calls += 1
        try:
            count = self._socket.recv_into(decoder.get_buffer(), 0, _socket.MSG_DONTWAIT)
        except BlockingIOError:
            return -1
        if count:
            decoder.commit(count)
        return count

    def write_from(self, encoder: Encoder) -> int:
        vector = encoder.vector()
        if not vector:
            return 0
        counters = encoder.counters
        if counters is not None:
            counters.write_calls += 1
            counters.scatter_gather_write_count += len(vector) > 1
        try:
            count = self._socket.sendmsg(vector, (), _socket.MSG_DONTWAIT | _socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return -1
        if counters is not None and count < encoder.pending:
            counters.partial_write_count += 1
        return count

    def receive(self, memory: bytearray | memoryview) -> int:
        """Read once into a writable buffer. Return the same as :meth:`read_into`."""
        try:
            return self._socket.recv_into(memory, 0, _socket.MSG_DONTWAIT)
        except BlockingIOError:
            return -1

    def transmit(self, data: bytes, start: int) -> int:
        """Write a buffer once, from ``start`` on. Return the same as :meth:`write_from`."""
        try:
            return self._socket.send(
                memoryview(data)[start:], _socket.MSG_DONTWAIT | _socket.MSG_NOSIGNAL
            )
        except BlockingIOError:
            return -1

    def has_ended(self) -> bool:
        if POLLRDHUP is None:
            try:
                return not self._socket.recv(1, _socket.MSG_PEEK | _socket.MSG_DONTWAIT)
            except OSError:
                return False
        poller = poll()
        poller.register(self.fd, POLLRDHUP)
        return bool(poller.poll(0))

    def close(self) -> None:
        self.fd = -1
        self._socket.close()

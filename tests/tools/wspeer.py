"""A hand-written WebSocket client and server (RFC 6455); it shares no code with the package.

Parameters named ``peer`` are a :class:`rawpeer.RawPeer`.
"""

import base64
import hashlib

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, MASK = 0x80, 0x80

#: A client's key, and the ``Sec-WebSocket-Accept`` that answers it (RFC 6455, 1.3).
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
SALT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def masked(payload, key):
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def frame(opcode, payload=b"", fin=True, key=None, reserved=0):
    """Return a frame as in RFC 6455, 5.2; a ``key`` (4 bytes) masks it, as a client has to."""
    size = len(payload)
    mask = MASK if key else 0
    head = bytes([(FIN if fin else 0) | reserved << 4 | opcode])
    if size < 126:
        head += bytes([mask | size])
    elif size < 65536:
        head += bytes([mask | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mask | 127]) + size.to_bytes(8, "big")
    return head + (key + masked(payload, key) if key else payload)


def read_frame(peer):
    """Return ``(first octet, payload)`` of the next frame, masked or not."""
    first, second = peer.read(2)
    size = second & 0x7F
    if size > 125:
        size = int.from_bytes(peer.read(2 if size == 126 else 8), "big")
    key = peer.read(4) if second & MASK else None
    payload = peer.read(size)
    return first, masked(payload, key) if key else payload


def request(path=b"/", key=KEY, protocols=b"ZWS2.0", version=b"13", **headers):
    """Return a client's request, without the headers whose argument is None."""
    lines = [b"GET %s HTTP/1.1" % path, b"Host: x", b"Upgrade: websocket", b"Connection: Upgrade"]
    for name, value in (
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", version),
        ("Sec-WebSocket-Protocol", protocols),
        *headers.items(),
    ):
        if value is not None:
            lines.append(name.encode() + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def answer(head, protocol=None):
    """Return a server's answer to the request whose bytes are ``head``."""
    key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
    accept = base64.b64encode(hashlib.sha1(key + SALT).digest())
    chosen = b"" if protocol is None else b"Sec-WebSocket-Protocol: " + protocol + b"\r\n"
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n" + chosen + b"\r\n"
    )


def read_head(peer):
    """Return the next HTTP message up to the empty line that ends its headers."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += peer.read(1)
    return head

"""So many bytes, no matter in how many pieces they come."""


def read(sock, size):
    """``size`` bytes of a blocking socket, gevent's or not; EOFError if there are fewer."""
    data = bytearray()
    while len(data) < size:
        piece = sock.recv(min(size - len(data), 1 << 20))
        if not piece:
            raise EOFError(f"closed after {bytes(data)!r:.80}")
        data += piece
    return bytes(data)

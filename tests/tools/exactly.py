"""Read an exact number of bytes, however many pieces they arrive in."""


def read(sock, size):
    """Return ``size`` bytes of a blocking socket; raise EOFError if there are fewer."""
    data = bytearray()
    while len(data) < size:
        piece = sock.recv(min(size - len(data), 1 << 20))
        if not piece:
            raise EOFError(f"closed after {bytes(data)!r:.80}")
        data += piece
    return bytes(data)

"""TLS 1.3 key updates, sent by OpenSSL directly since Python's ``ssl`` cannot."""

import ctypes
import ssl

import pytest


def library():
    """Return the OpenSSL that this process uses; skip the test if it cannot be called."""
    ssl.OPENSSL_VERSION  # loads it
    with open("/proc/self/maps") as maps:
        paths = [row.split()[-1] for row in maps if "libssl" in row]
    if not paths:
        pytest.skip("OpenSSL is built in")
    return ctypes.CDLL(paths[0])


def update(tls, outgoing, count, ask):
    """Ciphertext (bytes) of ``count`` key updates of an ``ssl.SSLObject``.

    Parameters
    ----------
    tls : ssl.SSLObject
    outgoing : ssl.MemoryBIO
    count : int
    ask : bool
        The peer is to answer with one of its own.
    """
    lib = library()
    # PySSLSocket: the head of an object (two words), the socket, the SSL.
    inner = getattr(tls, "_sslobj", tls)
    pointer = ctypes.c_void_p.from_address(id(inner) + 3 * ctypes.sizeof(ctypes.c_void_p))
    for _ in range(count):
        assert lib.SSL_key_update(pointer, int(ask)) == 1
        assert lib.SSL_do_handshake(pointer) == 1
    return outgoing.read()

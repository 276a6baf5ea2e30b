"""Make TLS 1.3 key updates by calling OpenSSL directly, since Python's ``ssl`` cannot."""

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
    """Return ``count`` key updates of an ``ssl.SSLObject`` as ciphertext (bytes).

    Parameters
    ----------
    tls : ssl.SSLObject
    outgoing : ssl.MemoryBIO
    count : int
    ask : bool
        Whether the updates ask the peer to answer with a key update of its own.
    """
    lib = library()
    # CPython's PySSLSocket has PyObject_HEAD (two words), the socket, then the ``SSL *``.
    inner = getattr(tls, "_sslobj", tls)
    pointer = ctypes.c_void_p.from_address(id(inner) + 3 * ctypes.sizeof(ctypes.c_void_p))
    for _ in range(count):
        assert lib.SSL_key_update(pointer, int(ask)) == 1
        assert lib.SSL_do_handshake(pointer) == 1
    return outgoing.read()

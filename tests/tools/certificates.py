"""Certificates of one authority that all tests trust, created when first needed."""

from functools import cache

import trustme


@cache
def authority(name):
    return trustme.CA()


def ca_pem(name="ours"):
    return authority(name).cert_pem.bytes()


@cache
def issued(*names, ca="ours", **options):
    """Return ``(certificate chain, key)`` as PEM; trustme gets ``not_after`` and the like."""
    made = authority(ca).issue_cert(*names, **options)
    return b"".join(pem.bytes() for pem in made.cert_chain_pems), made.private_key_pem.bytes()


def use(sock):
    """Give a socket the options that it needs at either end of tls and wss."""
    sock.tls_cert, sock.tls_key = issued("127.0.0.1", "localhost", "::1")
    sock.tls_ca = ca_pem()

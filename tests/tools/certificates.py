"""Certificates of an authority that all tests trust; they are created when first needed."""

from functools import cache

import trustme


@cache
def authority(name):
    return trustme.CA()


def ca_pem(name="ours"):
    return authority(name).cert_pem.bytes()


@cache
def issued(*names, ca="ours", **options):
    """Return ``(certificate chain, key)`` as PEM; ``options`` go to trustme's ``issue_cert``."""
    made = authority(ca).issue_cert(*names, **options)
    return b"".join(pem.bytes() for pem in made.cert_chain_pems), made.private_key_pem.bytes()


def use(sock):
    """Set the options that a socket needs as server or client of tls and wss."""
    sock.tls_cert, sock.tls_key = issued("127.0.0.1", "localhost", "::1")
    sock.tls_ca = ca_pem()

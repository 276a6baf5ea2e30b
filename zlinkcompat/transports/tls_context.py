"""The ``ssl.SSLContext`` for a socket's TLS options.

Source: RFC 8446, RFC 5246; Python's ``ssl``; libzmq ``src/wss_engine.cpp`` for the WSS options.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zlinkcompat.errors import EINVAL, zmq_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zlinkcompat.core.options import Options


MARK = b"-----BEGIN"


def make_context(options: Options, server: bool, endpoint: str) -> Any:
    """Return a context for one endpoint: ``options.ssl_context`` if the user set one.

    Parameters
    ----------
    options : Options
    server : bool
    endpoint : str
        The endpoint, for error texts.

    Raises
    ------
    zmq.ZMQError
        EINVAL: a required certificate is missing or cannot be loaded. The text names the option
        and never contains the key.
    """
    import ssl

    if options.ssl_context is not None:
        return options.ssl_context
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Forbid renegotiation, which would interrupt messages.
    context.options |= getattr(ssl, "OP_NO_RENEGOTIATION", 0) | ssl.OP_NO_COMPRESSION
    if options.tls_alpn:
        context.set_alpn_protocols(alpn_protocols(options.tls_alpn))
    if server and not options.tls_cert:
        raise zmq_error(
            EINVAL, f"bind {endpoint!r}: a server needs TLS_CERT and TLS_KEY, or ssl_context"
        )
    if options.tls_cert:
        load_certificate(context, options, endpoint)
    checks = options.tls_require_client_cert if server else options.tls_verify
    if not checks:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.verify_mode = ssl.CERT_REQUIRED
    trust_system = options.tls_trust_system
    if trust_system < 0:
        # A public authority usually does not issue certificates for a server's clients.
        trust_system = not options.tls_ca and not server
    if server and not options.tls_ca and not trust_system:
        raise zmq_error(EINVAL, f"bind {endpoint!r}: TLS_REQUIRE_CLIENT_CERT needs TLS_CA")
    if trust_system:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH)
    if options.tls_ca:
        try:
            if MARK in options.tls_ca:
                context.load_verify_locations(cadata=options.tls_ca.decode("ascii"))
            else:
                context.load_verify_locations(os.fsdecode(options.tls_ca))
        except (OSError, ValueError) as error:
            raise refused("TLS_CA", error, endpoint) from None
    return context


def alpn_protocols(value: bytes) -> list[str]:
    """Return the protocol names (list of str) in TLS_ALPN (bytes, comma-separated; RFC 7301)."""
    return [each.strip().decode("latin-1") for each in value.split(b",") if each.strip()]


def load_certificate(context: Any, options: Options, endpoint: str) -> None:
    # Without a callback, OpenSSL would ask for a key's passphrase at the terminal.
    password = options.tls_password
    try:
        with as_file(options.tls_cert) as cert, as_file(options.tls_key) as key:
            context.load_cert_chain(cert, key, lambda: password)
    except (OSError, ValueError) as error:
        raise refused("TLS_CERT or TLS_KEY", error, endpoint) from None


def refused(name: str, error: Any, endpoint: str) -> Exception:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not PEM"
    return zmq_error(EINVAL, f"{endpoint!r}: {name} cannot be loaded: {reason}")


@contextmanager
def as_file(value: bytes) -> Iterator[Any]:
    """Yield the path of a file with ``value``: OpenSSL loads certificate chains only from files."""
    if not value:
        yield None
    elif MARK not in value:
        yield os.fsdecode(value)
    elif hasattr(os, "memfd_create"):
        # A private key must not be written to a disk.
        fd = os.memfd_create("pem")
        try:
            os.write(fd, value)
            yield f"/proc/self/fd/{fd}"
        finally:
            os.close(fd)
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(value)
            file.flush()
            yield file.name

"""SOCKS 5: the messages between a client and a proxy (RFC 1928, RFC 1929)."""

from __future__ import annotations

import ipaddress
from errno import EACCES, ECONNREFUSED, EHOSTUNREACH, EINVAL, ENETUNREACH, EPROTO, ETIMEDOUT
from typing import Any

VERSION = 5
AUTHENTICATION_VERSION = 1
NO_AUTHENTICATION, PASSWORD = 0, 2
CONNECT = 1
IPV4, NAME, IPV6 = 1, 3, 4

#: Replies of RFC 1928, section 6, with the closest errno.
REPLIES = {
    1: (EPROTO, "general failure"),
    2: (EACCES, "not allowed by its rules"),
    3: (ENETUNREACH, "network unreachable"),
    4: (EHOSTUNREACH, "host unreachable"),
    5: (ECONNREFUSED, "connection refused"),
    6: (ETIMEDOUT, "time to live is over"),
    7: (EPROTO, "it does not support CONNECT"),
    8: (EPROTO, "it does not support this type of address"),
}


def dialogue(host: Any, port: Any, username: Any = b"", password: Any = b"") -> Any:
    """Ask a proxy for a connection, as a generator.

    It yields ``(bytes to send, number of bytes to receive)``, and must be sent exactly that many
    bytes, because later bytes belong to the peer. When it ends, the connection is established.

    Parameters
    ----------
    host : str
        A literal address, or a name that the proxy looks up.
    port : int
    username, password : bytes
        Up to 255 bytes each. Without a user name, only "no authentication" is offered to the proxy;
        with one, only the password method.

    Raises
    ------
    OSError
        The proxy refuses, with an errno for the reason, or its reply is not SOCKS 5 (EPROTO).
        EINVAL: the host cannot be encoded.
    """
    method = PASSWORD if username else NO_AUTHENTICATION
    request = bytes((VERSION, CONNECT, 0)) + address(host) + port.to_bytes(2, "big")
    version, chosen = yield bytes((VERSION, 1, method)), 2
    expect(version == VERSION, f"version {version}")
    if chosen != method:
        wanted = "a user name and password" if username else "no authentication"
        raise OSError(EACCES, f"SOCKS proxy: it does not accept {wanted}")
    if method == PASSWORD:
        said = bytes((AUTHENTICATION_VERSION,)) + counted(username) + counted(password)
        version, status = yield said, 2
        expect(version == AUTHENTICATION_VERSION, f"version {version} of authentication")
        if status != 0:
            raise OSError(EACCES, "SOCKS proxy: wrong user name or password")
    version, reply = yield request, 2
    expect(version == VERSION, f"version {version}")
    if reply != 0:
        expect(reply in REPLIES, f"reply {reply}")
        errno, reason = REPLIES[reply]
        raise OSError(errno, f"SOCKS proxy: {reason}")
    # The proxy's own address, which is not needed but has to be read.
    reserved, kind, first = yield b"", 3
    expect(reserved == 0 and kind in (IPV4, NAME, IPV6), f"address of kind {kind}")
    yield b"", {IPV4: 3, NAME: first, IPV6: 15}[kind] + 2


def expect(right: bool, what: str) -> None:
    if not right:
        raise OSError(EPROTO, f"SOCKS proxy: the reply is not SOCKS 5: {what}")


def counted(octets: bytes) -> Any:
    return bytes((len(octets),)) + octets


def address(host: str) -> Any:
    """Return a host as encoded in a request."""
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("utf-8", "surrogateescape")
        if not 0 < len(name) < 256:
            raise OSError(EINVAL, f"SOCKS proxy: {host!r:.80} is not a valid host") from None
        return bytes((NAME,)) + counted(name)
    return bytes((IPV4 if literal.version == 4 else IPV6,)) + literal.packed

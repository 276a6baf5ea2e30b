"""``tls://``: TLS 1.2 and 1.3 over tcp, with the standard library's ``ssl``.

Addresses, sockets and their options are those of tcp. Nothing is sent before the peer is verified.
"""

from zlinkcompat.transports import tcp
from zlinkcompat.transports.tcp import (  # noqa: F401  (the same as for tcp)
    accept,
    admits,
    beyond_proxy,
    finish_connect,
    peer_address,
    start_connect,
    tune,
)
from zlinkcompat.transports.tls_link import TlsLink as Link  # noqa: F401


class TlsAddress(tcp.TcpAddress):
    """The part after ``tls://``."""

    __slots__ = ()

    def __str__(self):
        return "tls://" + self.text


def parse(text, ipv6, bind):
    """Do the same as tcp's function."""
    tcp.parse(text, ipv6, bind, "tls")
    return TlsAddress(text, bool(ipv6), bind)


def listen(address, options, getaddrinfo):
    """Do the same as tcp's function."""
    listener = tcp.listen(address, options, getaddrinfo)
    listener.endpoint = renamed(listener.endpoint)
    return listener


def renamed(endpoint):
    return "tls" + endpoint[3:] if endpoint else ""


def aliases(text, ipv6, getaddrinfo):
    """Do the same as tcp's function."""
    return [renamed(name) for name in tcp.aliases(text, ipv6, getaddrinfo)]


def local_endpoint(sock):
    """Return ``tls://host:port`` of our end."""
    return renamed(tcp.local_endpoint(sock))


def peer_endpoint(sock):
    """Return ``tls://host:port`` of the peer's end; "" if it is gone."""
    return renamed(tcp.peer_endpoint(sock))

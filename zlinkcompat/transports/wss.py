"""``wss://host:port/path``: WebSocket inside TLS."""

from zlinkcompat.transports import tcp, ws
from zlinkcompat.transports.tls_link import TlsLink
from zlinkcompat.transports.ws import (  # noqa: F401  (the same as for ws)
    accept,
    admits,
    beyond_proxy,
    finish_connect,
    listen,
    peer_address,
    start_connect,
    tune,
)


class Link(ws.WsSide, TlsLink):
    """The connections of a ``wss://`` endpoint."""


def parse(text, ipv6, bind):
    """Do the same as ws's function."""
    return ws.parse(text, ipv6, bind, "wss")


def aliases(text, ipv6, getaddrinfo):
    """Do the same as ws's function."""
    return ws.aliases(text, ipv6, getaddrinfo, "wss")


def local_endpoint(sock):
    """Return ``wss://host:port`` of our end."""
    return ws.renamed(tcp.local_endpoint(sock), "wss")


def peer_endpoint(sock):
    """Return ``wss://host:port`` of the peer's end; "" if it is gone."""
    return ws.renamed(tcp.peer_endpoint(sock), "wss")

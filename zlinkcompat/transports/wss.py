"""``wss://host:port/path``: WebSocket inside TLS."""

from zlinkcompat.transports import tcp, ws
from zlinkcompat.transports.tls_link import TlsLink
from zlinkcompat.transports.ws import (  # noqa: F401  (as they are for ws)
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
    """Connections of a ``wss://`` endpoint."""


def parse(text, ipv6, bind):
    """As ws's."""
    return ws.parse(text, ipv6, bind, "wss")


def aliases(text, ipv6, getaddrinfo):
    """As ws's."""
    return ws.aliases(text, ipv6, getaddrinfo, "wss")


def local_endpoint(sock):
    """``wss://host:port`` of our end."""
    return ws.renamed(tcp.local_endpoint(sock), "wss")


def peer_endpoint(sock):
    """``wss://host:port`` of the peer's end; "" if it is gone."""
    return ws.renamed(tcp.peer_endpoint(sock), "wss")

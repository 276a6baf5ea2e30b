"""``wss://host:port/path``: WebSocket inside TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.transports.ws import WsAddress


class Link(ws.WsSide, TlsLink):
    """The connections of a ``wss://`` endpoint."""


def parse(text: str, ipv6: int, bind: bool) -> WsAddress:
    """Do the same as ws's function."""
    return ws.parse(text, ipv6, bind, "wss")


def aliases(text: str, ipv6: Any, getaddrinfo: Callable[..., Any]) -> Any:
    """Do the same as ws's function."""
    return ws.aliases(text, ipv6, getaddrinfo, "wss")


def local_endpoint(sock: Any) -> Any:
    """Return ``wss://host:port`` of our end."""
    return ws.renamed(tcp.local_endpoint(sock), "wss")


def peer_endpoint(sock: Any) -> str:
    """Return ``wss://host:port`` of the peer's end; "" if it is gone."""
    return ws.renamed(tcp.peer_endpoint(sock), "wss")

"""``tls://``: TLS 1.2 and 1.3 over tcp, with the standard library's ``ssl``.

Addresses, sockets and their options are those of tcp. Nothing is sent before the peer is verified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.core.options import Options
    from zlinkcompat.transports.sockets import ListenerSocket


class TlsAddress(tcp.TcpAddress):
    """The part after ``tls://``."""

    __slots__ = ()

    def __str__(self) -> str:
        return "tls://" + self.text


def parse(text: str, ipv6: int, bind: bool) -> TlsAddress:
    """Do the same as tcp's function."""
    tcp.parse(text, ipv6, bind, "tls")
    return TlsAddress(text, bool(ipv6), bind)


def listen(
    address: TlsAddress, options: Options, getaddrinfo: Callable[..., Any]
) -> ListenerSocket:
    """Do the same as tcp's function."""
    listener = tcp.listen(address, options, getaddrinfo)
    listener.endpoint = renamed(listener.endpoint)
    return listener


def renamed(endpoint: str) -> str:
    return "tls" + endpoint[3:] if endpoint else ""


def aliases(text: str, ipv6: int, getaddrinfo: Callable[..., Any]) -> list[str]:
    """Do the same as tcp's function."""
    return [renamed(name) for name in tcp.aliases(text, ipv6, getaddrinfo)]


def local_endpoint(sock: Any) -> Any:
    """Return ``tls://host:port`` of our end."""
    return renamed(tcp.local_endpoint(sock))


def peer_endpoint(sock: Any) -> str:
    """Return ``tls://host:port`` of the peer's end; "" if it is gone."""
    return renamed(tcp.peer_endpoint(sock))

"""``ws://host:port/path``: WebSocket over tcp. The default path is ``/``.

Source: libzmq ``src/ws_address.cpp``, ``ws_listener.cpp``; RFC 45.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.errors import EINVAL, EPROTONOSUPPORT, zmq_error
from zlinkcompat.transports import has, tcp
from zlinkcompat.transports.link import Link as PlainLink
from zlinkcompat.transports.tcp import admits, finish_connect, peer_address, tune  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.core.options import Options
    from zlinkcompat.transports.sockets import ListenerSocket
    from zlinkcompat.transports.tcp_address import TcpAddress


class WsAddress:
    """The part after ``ws://`` or ``wss://``.

    Attributes
    ----------
    place : TcpAddress
    text : str
        The ``host:port`` of the address.
    path : str
        Begins with ``/``. It is sent unchanged, so it must be percent-encoded where needed.
    scheme : str
    """

    __slots__ = ("place", "text", "path", "scheme")

    def __init__(self, place: TcpAddress, path: str, scheme: str) -> None:
        self.place = place
        self.text = place.text
        self.path = path
        self.scheme = scheme

    def __str__(self) -> str:
        return f"{self.scheme}://{self.text}{self.path}"

    @property
    def host(self) -> str:
        """Return the ``Host`` of requests as the user wrote it, with the port (RFC 6455, 4.1)."""
        return self.text.rpartition(";")[2]


class WsSide:
    """The attributes that the engine's handshake needs of a link."""

    protocol = "ws"
    options: Options

    @property
    def origins(self) -> list[Any]:
        listed = self.options.ws_origins.decode("latin-1").split(",")
        return [each.strip() for each in listed if each.strip()]


class Link(WsSide, PlainLink):
    """The connections of a ``ws://`` endpoint."""


def parse(text: str, ipv6: int, bind: bool, scheme: str = "ws") -> WsAddress:
    """Parse a tcp address with a path after it.

    Raises
    ------
    zmq.ZMQError
        EPROTONOSUPPORT: the extra ``ws`` is not installed. EINVAL: the text cannot be part of a
        request, or a server's path has a query.
    """
    if not has(scheme):
        raise zmq_error(
            EPROTONOSUPPORT,
            f"Protocol not supported: {scheme}:// needs wsproto; pip install 'zlinkcompat[ws]'",
        )
    place, slash, path = text.partition("/")
    tcp.parse(place, ipv6, bind, scheme)
    wrong = ""
    if not (text.isascii() and text.isprintable()) or " " in text:
        wrong = "only printable ASCII without blanks; percent-encode the path"
    elif bind and "?" in path:
        wrong = "a server cannot bind a path with a query"
    if wrong:
        verb = "bind" if bind else "connect"
        raise zmq_error(EINVAL, f"Invalid argument ({verb} '{scheme}://{text}'): {wrong}")
    return WsAddress(tcp.TcpAddress(place, bool(ipv6), bind), slash + path or "/", scheme)


def listen(address: WsAddress, options: Options, getaddrinfo: Callable[..., Any]) -> WsListener:
    """Listen as tcp does. LAST_ENDPOINT includes the path."""
    return WsListener(tcp.listen(address.place, options, getaddrinfo), address)


class WsListener(tcp.sockets.ListenerSocket):
    """A listening socket with a path."""

    __slots__ = ()

    def __init__(self, listener: ListenerSocket, address: WsAddress) -> None:
        endpoint = renamed(listener.endpoint, address.scheme, address.path)
        super().__init__(listener.socket, endpoint)


accept = tcp.accept


def beyond_proxy(address: WsAddress, options: Options) -> tuple[str, int] | None:
    """Do the same as tcp's function."""
    return tcp.beyond_proxy(address.place, options)


def start_connect(
    address: WsAddress, options: Options, getaddrinfo: Callable[..., Any]
) -> tuple[Any, bool]:
    """Do the same as tcp's function."""
    return tcp.start_connect(address.place, options, getaddrinfo)


def renamed(endpoint: str, scheme: str, path: str = "") -> str:
    return scheme + endpoint[3:] + path if endpoint else ""


def aliases(text: str, ipv6: int, getaddrinfo: Callable[..., Any], scheme: str = "ws") -> list[str]:
    """Do the same as tcp's function."""
    place, slash, path = text.partition("/")
    found = tcp.aliases(place, ipv6, getaddrinfo)
    return [renamed(name, scheme, slash + path or "/") for name in found]


def local_endpoint(sock: Any) -> Any:
    """Return ``ws://host:port`` of our end."""
    return renamed(tcp.local_endpoint(sock), "ws")


def peer_endpoint(sock: Any) -> str:
    """Return ``ws://host:port`` of the peer's end; "" if it is gone."""
    return renamed(tcp.peer_endpoint(sock), "ws")

"""``ws://host:port/path``: WebSocket on tcp. A path is ``/`` where none is given.

Source: libzmq ``src/ws_address.cpp``, ``ws_listener.cpp``; RFC 45.
"""

from zlinkcompat.errors import EINVAL, EPROTONOSUPPORT, zmq_error
from zlinkcompat.transports import has, tcp
from zlinkcompat.transports.link import Link as PlainLink
from zlinkcompat.transports.tcp import admits, finish_connect, peer_address, tune  # noqa: F401


class WsAddress:
    """What follows ``ws://`` or ``wss://``.

    Attributes
    ----------
    place : TcpAddress
    text : str
        ``host:port`` of it.
    path : str
        Begins with ``/``; sent as it is, so percent-encoded where it needs to be.
    scheme : str
    """

    __slots__ = ("place", "text", "path", "scheme")

    def __init__(self, place, path, scheme):
        self.place = place
        self.text = place.text
        self.path = path
        self.scheme = scheme

    def __str__(self):
        return f"{self.scheme}://{self.text}{self.path}"

    @property
    def host(self):
        """The ``Host`` of requests: as the user wrote it, port included (RFC 6455, 4.1)."""
        return self.text.rpartition(";")[2]


class WsSide:
    """What the engine's handshake asks of a link."""

    protocol = "ws"

    @property
    def origins(self):
        listed = self.options.ws_origins.decode("latin-1").split(",")
        return [each.strip() for each in listed if each.strip()]


class Link(WsSide, PlainLink):
    """Connections of a ``ws://`` endpoint."""


def parse(text, ipv6, bind, scheme="ws"):
    """As tcp's, with a path behind.

    Raises
    ------
    zmq.ZMQError
        EPROTONOSUPPORT: the extra ``ws`` is not installed. EINVAL: what a request cannot say, or
        a server is not found by.
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
        wrong = "a server is found by its path, whatever the query"
    if wrong:
        verb = "bind" if bind else "connect"
        raise zmq_error(EINVAL, f"Invalid argument ({verb} '{scheme}://{text}'): {wrong}")
    return WsAddress(tcp.TcpAddress(place, bool(ipv6), bind), slash + path or "/", scheme)


def listen(address, options, getaddrinfo):
    """As tcp's; LAST_ENDPOINT tells the path, too."""
    return WsListener(tcp.listen(address.place, options, getaddrinfo), address)


class WsListener(tcp.sockets.ListenerSocket):
    """A listening socket that is reached by a path."""

    __slots__ = ()

    def __init__(self, listener, address):
        endpoint = renamed(listener.endpoint, address.scheme, address.path)
        super().__init__(listener.socket, endpoint)


accept = tcp.accept


def beyond_proxy(address, options):
    """As tcp's."""
    return tcp.beyond_proxy(address.place, options)


def start_connect(address, options, getaddrinfo):
    """As tcp's."""
    return tcp.start_connect(address.place, options, getaddrinfo)


def renamed(endpoint, scheme, path=""):
    return scheme + endpoint[3:] + path if endpoint else ""


def aliases(text, ipv6, getaddrinfo, scheme="ws"):
    """As tcp's."""
    place, slash, path = text.partition("/")
    found = tcp.aliases(place, ipv6, getaddrinfo)
    return [renamed(name, scheme, slash + path or "/") for name in found]


def local_endpoint(sock):
    """``ws://host:port`` of our end."""
    return renamed(tcp.local_endpoint(sock), "ws")


def peer_endpoint(sock):
    """``ws://host:port`` of the peer's end; "" if it is gone."""
    return renamed(tcp.peer_endpoint(sock), "ws")

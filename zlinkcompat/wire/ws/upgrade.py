"""The HTTP upgrade with which a WebSocket connection begins, parsed by wsproto (RFC 6455, 4).

A browser lets every page open a connection to every server, and says in ``Origin`` which page that
is (RFC 6454). So a server decides whom it serves: pages that it lists, and those of its own host.
"""

import base64
import binascii
import re
from ipaddress import ip_address

from zlinkcompat.wire.errors import WS_UNSPECIFIED, ProtocolError

#: A request or answer may be so long (bytes), its last line included.
MAX_HEADER = 8192

_END = re.compile(rb"\r?\n\r?\n")

#: Headers of which a second one is refused: intermediaries may take the first, and we the last.
SINGLE = (b"sec-websocket-key", b"sec-websocket-version", b"origin", b"content-length")

DEFAULT_PORTS = {"http": "80", "https": "443"}

#: Characters of what a peer sent that go into the log.
SHOWN = 120


class UpgradeRefused(ProtocolError):
    """The peer asks for no WebSocket of ours, or is refused one.

    Parameters
    ----------
    text : str
    answer : bytes
        What the peer is told in HTTP; b"" nothing.
    """

    def __init__(self, text, answer=b""):
        ProtocolError.__init__(self, text, 0, WS_UNSPECIFIED)
        self.answer = answer


class Upgrade:
    """One side of an upgrade, without I/O.

    Parameters
    ----------
    client : bool
    host, path : str
        As the endpoint has them; a server takes any host, and its own path only.
    subprotocols : sequence of str
        What we speak, in the order of a client's offer; a server takes the last that it is
        offered. None is plain WebSocket.
    origins : sequence of str
        Of pages that may connect to a server beside those of its own host; ``*`` allows all.

    Attributes
    ----------
    subprotocol : str or None
        What was agreed on.
    """

    def __init__(self, client, host, path, subprotocols, origins=()):
        from wsproto import ConnectionType
        from wsproto.handshake import H11Handshake

        self.client = client
        self.host = host
        self.path = path
        self.subprotocols = subprotocols
        self.origins = origins
        self.subprotocol = None
        side = ConnectionType.CLIENT if client else ConnectionType.SERVER
        self.http = H11Handshake(side)

    def start(self):
        """The first bytes to send: a client's request."""
        from wsproto.events import Request

        if not self.client:
            return b""
        return self.http.send(
            Request(host=self.host, target=self.path, subprotocols=list(self.subprotocols))
        )

    def receive_untrusted(self, decoder):
        """Read the peer's part.

        Parameters
        ----------
        decoder : Decoder
            What comes behind the header stays in it.

        Returns
        -------
        bytes or None
            The server's answer; None when more bytes are needed.

        Raises
        ------
        UpgradeRefused
        """
        from wsproto.utilities import ProtocolError as HttpError

        head = decoder.peek(MAX_HEADER)
        begin = b"HTTP/" if self.client else b"GET "
        if not head.startswith(begin[: len(head)]):
            # What follows a question mark may be a password.
            begin = head[:16].partition(b"?")[0]
            raise UpgradeRefused(
                f"the peer speaks no HTTP, or asks for no page: {begin!r}",
                b"" if self.client else refusal(400),
            )
        end = _END.search(head)
        if end is None:
            if len(head) == MAX_HEADER:
                raise UpgradeRefused(f"an HTTP header of over {MAX_HEADER} bytes", refusal(431))
            return None
        version = head[: head.index(b"\n")].split()[-1]
        if not self.client and version != b"HTTP/1.1":
            raise UpgradeRefused(
                f"no WebSocket upgrade: the request is not of HTTP/1.1, but of {version[:16]!r}",
                refusal(400),
            )
        try:
            self.http.receive_data(decoder.read_exactly(end.end()))
            event = next(self.http.events(), None)
            return self.accept_answer(event) if self.client else self.accept_request(event)
        except HttpError as error:
            status = getattr(getattr(error, "event_hint", None), "status_code", 400)
            raise UpgradeRefused(
                f"no WebSocket upgrade: {error}", b"" if self.client else refusal(status)
            ) from None
        except (UnicodeError, ValueError) as error:
            raise UpgradeRefused(
                f"no WebSocket upgrade: {error}", b"" if self.client else refusal(400)
            ) from None

    def accept_answer(self, event):
        from wsproto.events import AcceptConnection

        if not isinstance(event, AcceptConnection):
            status = getattr(event, "status_code", None)
            raise UpgradeRefused(f"the server answers the WebSocket upgrade with {status}")
        if self.subprotocols and event.subprotocol is None:
            raise UpgradeRefused("the server speaks none of " + ", ".join(self.subprotocols))
        self.subprotocol = event.subprotocol
        return b""

    def accept_request(self, event):
        from wsproto.events import AcceptConnection

        if event is None:
            raise UpgradeRefused("an HTTP request without an upgrade", refusal(400))
        names = [name for name, _ in event.extra_headers]
        for name in SINGLE:
            if names.count(name) > 1:
                raise UpgradeRefused(
                    f"a request with {names.count(name)} headers {name.decode()}", refusal(400)
                )
        headers = dict(event.extra_headers)
        if not is_key(headers.get(b"sec-websocket-key", b"")):
            raise UpgradeRefused("Sec-WebSocket-Key is not 16 octets in base64", refusal(400))
        if b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip(b"0"):
            raise UpgradeRefused("a request with a body", refusal(400))
        path = event.target.partition("?")[0]
        if path != self.path:
            raise UpgradeRefused(f"a request for {path[:SHOWN]!r}, not {self.path!r}", refusal(404))
        origin = headers.get(b"origin")
        # What is not a page sends no origin, and could claim any.
        if origin is not None and not self.admits(origin.decode("latin-1"), event.host):
            raise UpgradeRefused(
                f"the origin {origin[:SHOWN]!r} is not one of WS_ORIGINS: list it there to let its "
                "pages connect",
                refusal(403),
            )
        if self.subprotocols:
            offered = [each for each in event.subprotocols if each in self.subprotocols]
            if not offered:
                offer = ", ".join(event.subprotocols)[:SHOWN]
                raise UpgradeRefused(
                    f"the peer offers {offer!r}, we speak " + ", ".join(self.subprotocols),
                    refusal(400),
                )
            # Ours: a client's first may be what it offers to servers that echo.
            self.subprotocol = max(offered, key=self.subprotocols.index)
        return self.http.send(AcceptConnection(subprotocol=self.subprotocol))

    def admits(self, origin, host):
        """Tell whether pages of an origin may connect, to a server that was asked for as ``host``.

        A name that the server does not know is not its own host: an attacker can have a name of his
        own resolve to this machine once his page is loaded (DNS rebinding), and Origin and Host are
        then the same. He has no say in addresses, ``localhost`` and the host of the endpoint.
        """
        allowed = {normal(each) for each in self.origins}
        if "*" in allowed or normal(origin) in allowed:
            return True
        name, port = split_host(host.lower())
        if not (is_address(name) or name in ("localhost", split_host(self.host.lower())[0])):
            return False
        own = f"{name}:{port}" if port else name
        return any(normal(origin) == normal(f"{scheme}://{own}") for scheme in DEFAULT_PORTS)


def normal(origin):
    """An origin in lower case, without a default port and a slash at its end."""
    scheme, mark, place = origin.strip().lower().rstrip("/").partition("://")
    name, port = split_host(place)
    if port == DEFAULT_PORTS.get(scheme):
        place = name
    return scheme + mark + place


def split_host(text):
    """``(host, port)`` of ``host[:port]``; the brackets of an IPv6 address stay."""
    end = text.find("]") + 1
    name, _, port = text[end:].partition(":")
    return text[:end] + name, port


def is_address(name):
    """Tell whether a host is an IP address."""
    try:
        ip_address(name[1:-1] if name[:1] == "[" else name)
    except ValueError:
        return False
    return True


def is_key(key):
    """Tell whether ``key`` is what RFC 6455, 4.1, wants of a client: 16 octets in base64."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False


REASONS = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    426: "Upgrade Required",
    431: "Request Header Fields Too Large",
}


def refusal(status):
    """An HTTP response (bytes) that ends the connection."""
    more = "Sec-WebSocket-Version: 13\r\n" if status == 426 else ""
    return (
        f"HTTP/1.1 {status} {REASONS.get(status, 'Bad Request')}\r\n{more}"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()

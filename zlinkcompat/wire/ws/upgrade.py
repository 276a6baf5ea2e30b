"""The HTTP upgrade that begins a WebSocket connection, parsed by wsproto (RFC 6455, 4).

A browser lets every page open a connection to every server, and names the page in ``Origin`` (RFC
6454). So the server decides which pages may connect: listed ones, and those of its own host.
"""

from __future__ import annotations

import base64
import binascii
import re
from ipaddress import ip_address
from typing import Any

from zlinkcompat.wire.errors import WS_UNSPECIFIED, ProtocolError

#: The longest accepted request or response (bytes), including its last line.
MAX_HEADER = 8192

_END = re.compile(rb"\r?\n\r?\n")

#: Headers that must not be repeated, because an intermediary may use the first value where this
#: server uses the last.
SINGLE = (b"sec-websocket-key", b"sec-websocket-version", b"origin", b"content-length")

DEFAULT_PORTS = {"http": "80", "https": "443"}

#: At most this many characters from the peer are logged.
SHOWN = 120


class UpgradeRefused(ProtocolError):
    """The peer does not request our WebSocket, or is rejected.

    Parameters
    ----------
    text : str
    answer : bytes
        The HTTP response to the peer; b"" for none.
    """

    def __init__(self, text: str, answer: bytes = b"") -> None:
        ProtocolError.__init__(self, text, 0, WS_UNSPECIFIED)
        self.answer = answer


class Upgrade:
    """One side of an upgrade, without I/O.

    Parameters
    ----------
    client : bool
    host, path : str
        The values of the endpoint. A server accepts any host, but only its own path.
    subprotocols : sequence of str
        The supported subprotocols, in the order of a client's offer. A server chooses the last
        one that it is offered. An empty sequence means plain WebSocket.
    origins : sequence of str
        Origins whose pages may connect, besides those of the server's host; ``*`` allows all.

    Attributes
    ----------
    subprotocol : str or None
        The subprotocol that both sides agreed on.
    """

    def __init__(
        self,
        client: bool,
        host: str,
        path: str,
        subprotocols: Any,
        origins: list[Any] | tuple[Any, ...] = (),
    ) -> None:
        from wsproto import ConnectionType
        from wsproto.handshake import H11Handshake

        self.client = client
        self.host = host
        self.path = path
        self.subprotocols = subprotocols
        self.origins = origins
        self.subprotocol: Any = None
        side = ConnectionType.CLIENT if client else ConnectionType.SERVER
        self.http = H11Handshake(side)

    def start(self) -> Any:
        """Return the first bytes to send: the request of a client."""
        from wsproto.events import Request

        if not self.client:
            return b""
        return self.http.send(
            Request(host=self.host, target=self.path, subprotocols=list(self.subprotocols))
        )

    def receive_untrusted(self, decoder: Any) -> Any:
        """Read the peer's request or response.

        Parameters
        ----------
        decoder : Decoder
            Bytes after the header stay in it.

        Returns
        -------
        bytes or None
            The server's response; None if more bytes are needed.

        Raises
        ------
        UpgradeRefused
        """
        from wsproto.utilities import ProtocolError as HttpError

        head = decoder.peek(MAX_HEADER)
        begin = b"HTTP/" if self.client else b"GET "
        if not head.startswith(begin[: len(head)]):
            # Log nothing after a question mark, because it may be a password.
            begin = head[:16].partition(b"?")[0]
            raise UpgradeRefused(
                f"the peer does not speak HTTP, or sends no GET request: {begin!r}",
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

    def accept_answer(self, event: Any) -> bytes:
        from wsproto.events import AcceptConnection

        if not isinstance(event, AcceptConnection):
            status = getattr(event, "status_code", None)
            raise UpgradeRefused(f"the server answers the WebSocket upgrade with {status}")
        if self.subprotocols and event.subprotocol is None:
            raise UpgradeRefused("the server supports none of " + ", ".join(self.subprotocols))
        self.subprotocol = event.subprotocol
        return b""

    def accept_request(self, event: Any) -> bytes:
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
            raise UpgradeRefused("Sec-WebSocket-Key is not 16 bytes in base64", refusal(400))
        if b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip(b"0"):
            raise UpgradeRefused("a request with a body", refusal(400))
        path = event.target.partition("?")[0]
        if path != self.path:
            raise UpgradeRefused(f"a request for {path[:SHOWN]!r}, not {self.path!r}", refusal(404))
        origin = headers.get(b"origin")
        # A client that is not a browser sends no origin, and could claim any.
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
                    f"the peer offers {offer!r}, but we support " + ", ".join(self.subprotocols),
                    refusal(400),
                )
            # Choose by our order: a client may put subprotocols first that are for other servers.
            self.subprotocol = max(offered, key=self.subprotocols.index)
        return self.http.send(AcceptConnection(subprotocol=self.subprotocol))

    def admits(self, origin: str, host: str) -> bool:
        """Tell whether pages of an origin may connect to a server that was addressed as ``host``.

        Only an address, ``localhost`` and the endpoint's host count as the server's own host. An
        attacker can make any other name resolve to this machine after his page was loaded (DNS
        rebinding). Origin and Host would then be equal.
        """
        allowed = {normal(each) for each in self.origins}
        if "*" in allowed or normal(origin) in allowed:
            return True
        name, port = split_host(host.lower())
        if not (is_address(name) or name in ("localhost", split_host(self.host.lower())[0])):
            return False
        own = f"{name}:{port}" if port else name
        return any(normal(origin) == normal(f"{scheme}://{own}") for scheme in DEFAULT_PORTS)


def normal(origin: str) -> str:
    """Return an origin in lower case, without a default port and a trailing slash."""
    scheme, mark, place = origin.strip().lower().rstrip("/").partition("://")
    name, port = split_host(place)
    if port == DEFAULT_PORTS.get(scheme):
        place = name
    return scheme + mark + place


def split_host(text: str) -> tuple[str, str]:
    """Return ``(host, port)`` of ``host[:port]``; the brackets of an IPv6 address stay."""
    end = text.find("]") + 1
    name, _, port = text[end:].partition(":")
    return text[:end] + name, port


def is_address(name: str) -> bool:
    """Tell whether a host is an IP address."""
    try:
        ip_address(name[1:-1] if name[:1] == "[" else name)
    except ValueError:
        return False
    return True


def is_key(key: bytes) -> bool:
    """Tell whether ``key`` is a client's key as in RFC 6455, 4.1: 16 bytes in base64."""
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


def refusal(status: int) -> bytes:
    """Return an HTTP response (bytes) that ends the connection."""
    more = "Sec-WebSocket-Version: 13\r\n" if status == 426 else ""
    return (
        f"HTTP/1.1 {status} {REASONS.get(status, 'Bad Request')}\r\n{more}"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()

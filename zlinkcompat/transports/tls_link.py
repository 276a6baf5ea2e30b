"""The state that the connections of a ``tls://`` or ``wss://`` endpoint share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.errors import EINVAL, zmq_error
from zlinkcompat.transports.link import Link
from zlinkcompat.transports.tls_context import MARK, alpn_protocols, make_context

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.transports.tls import TlsAddress
    from zlinkcompat.transports.tls_stream import TlsStream
    from zlinkcompat.transports.ws import WsAddress


LOG = Log("zlinkcompat.transports")


class TlsLink(Link):
    """The certificate to present, the trusted authorities, and the session to resume.

    Attributes
    ----------
    hostname : str or None
        The name that a client requests (SNI) and checks: TLS_HOSTNAME, or the endpoint's host.
    session : ssl.SSLSession or None
        The session of the last connection. A client resumes it when it reconnects, which avoids
        sending certificates.
    alpn : list of str
        The peers must agree on one of these application protocols; empty: ALPN is not used.
    """

    def __init__(self, address: TlsAddress | WsAddress, options: Options, bind: bool) -> None:
        Link.__init__(self, address, options, bind)
        self.alpn = alpn_protocols(options.tls_alpn)
        # Check the files before reading them. Then a file that is written while it is read will be
        # read again.
        self.files = self.file_stamps()
        self.context = make_context(options, bind, str(address))
        self.session: Any = None
        self.hostname = None
        if not bind:
            named = options.tls_hostname
            self.hostname = named.decode("utf-8", "replace") if named else host_of(address.text)
        if not self.hostname:
            self.hostname = None
        self.try_out()

    def try_out(self) -> None:
        """Raise now, instead of at each connection, if the context is unsuitable."""
        import ssl

        try:
            self.wrap(ssl.MemoryBIO(), ssl.MemoryBIO())
        except (ssl.SSLError, TypeError, AttributeError, ValueError) as error:
            # A server has no name to check, so its ValueError is about the context as well:
            # CPython 3.14 and later raise it for a client's context.
            is_plain = isinstance(error, ValueError) and not isinstance(error, ssl.SSLError)
            if is_plain and not self.bind:
                problem = (
                    f"TLS_HOSTNAME or the host, {self.hostname!r}, is not a valid name for TLS: "
                    f"{error}"
                )
            else:
                problem = (
                    f"ssl_context does not suit a {'server' if self.bind else 'client'}: "
                    f"{getattr(error, 'reason', '') or error}"
                )
            raise zmq_error(EINVAL, f"{str(self.address)!r}: {problem}") from None

    def wrap(self, incoming: Any, outgoing: Any) -> Any:
        """Return the ``ssl.SSLObject`` of a connection, between two ``ssl.MemoryBIO``."""
        return self.context.wrap_bio(
            incoming,
            outgoing,
            server_side=self.bind,
            server_hostname=self.hostname,
            session=self.session,
        )

    def open(self, fd: int) -> TlsStream:
        from zlinkcompat.transports.tls_stream import TlsStream

        self.renew_context()
        return TlsStream(fd, self)

    def file_stamps(self) -> Any:
        """Return values that change if the files of certificates and keys change.

        None if a file is missing, because it is about to be replaced."""
        options = self.options
        stamps: list[tuple[int, ...]] = []
        if options.ssl_context is not None:
            return stamps
        for value in (options.tls_cert, options.tls_key, options.tls_ca):
            if value and MARK not in value:
                try:
                    found = os.stat(value)
                except OSError:
                    return None
                stamps.append((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))
        return stamps

    def renew_context(self) -> None:
        """Load certificates and keys again if their files have changed.

        If they cannot be loaded, for example a certificate without its key, the context stays as
        it is until the files change again."""
        stamps = self.file_stamps()
        if stamps is None or stamps == self.files:
            return
        self.files = stamps
        try:
            context = make_context(self.options, self.bind, str(self.address))
        except Exception as error:  # pyzmq's ZMQError, which this layer does not import
            if getattr(error, "errno", None) != EINVAL:
                raise
            LOG.warning("%s: the old certificates stay in use: %s", self.address, error)
            return
        LOG.info("%s: certificates were loaded again", self.address)
        self.session = None
        self.context = context


def host_of(text: str) -> str:
    """Return the host in ``[source;]host:port``, without brackets and zone."""
    host = text.rpartition(";")[2].rpartition(":")[0]
    if host[:1] == "[" and host[-1:] == "]":
        host = host[1:-1]
    return host.partition("%")[0]

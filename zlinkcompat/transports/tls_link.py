"""What the connections of a ``tls://`` or ``wss://`` endpoint have in common."""

import os

from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.errors import EINVAL, zmq_error
from zlinkcompat.transports.link import Link
from zlinkcompat.transports.tls_context import MARK, alpn_protocols, make_context

LOG = Log("zlinkcompat.transports")


class TlsLink(Link):
    """A certificate to show, whom to trust, and the session to resume.

    Attributes
    ----------
    hostname : str or None
        Asked for (SNI) and checked by a client: TLS_HOSTNAME, or the host of the endpoint.
    session : ssl.SSLSession or None
        Of the last connection; a client that dials again resumes it, which saves the certificates.
    alpn : list of str
        One of these application protocols has to be agreed on; empty: none is asked for.
    """

    def __init__(self, address, options, bind):
        Link.__init__(self, address, options, bind)
        self.alpn = alpn_protocols(options.tls_alpn)
        # Looked at before the files are read: what is written meanwhile is read once more.
        self.files = self.file_stamps()
        self.context = make_context(options, bind, str(address))
        self.session = None
        self.hostname = None
        if not bind:
            named = options.tls_hostname
            self.hostname = named.decode("utf-8", "replace") if named else host_of(address.text)
        if not self.hostname:
            self.hostname = None
        self.try_out()

    def try_out(self):
        """Fail here, and not at each connection, if the context does not suit."""
        import ssl

        try:
            self.wrap(ssl.MemoryBIO(), ssl.MemoryBIO())
        except (ssl.SSLError, TypeError, AttributeError) as error:
            raise zmq_error(
                EINVAL,
                f"{str(self.address)!r}: ssl_context does not suit a "
                f"{'server' if self.bind else 'client'}: "
                f"{getattr(error, 'reason', '') or error}",
            ) from None
        except ValueError as error:
            raise zmq_error(
                EINVAL,
                f"{str(self.address)!r}: TLS_HOSTNAME or the host, "
                f"{self.hostname!r}, is no name for TLS: {error}",
            ) from None

    def wrap(self, incoming, outgoing):
        """The ``ssl.SSLObject`` of a connection, between two ``ssl.MemoryBIO``."""
        return self.context.wrap_bio(
            incoming,
            outgoing,
            server_side=self.bind,
            server_hostname=self.hostname,
            session=self.session,
        )

    def open(self, fd):
        from zlinkcompat.transports.tls_stream import TlsStream

        self.renew_context()
        return TlsStream(fd, self)

    def file_stamps(self):
        """What tells whether the files of certificates and keys are others than before.

        None while one of them is missing: it is about to be replaced."""
        options = self.options
        stamps = []
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

    def renew_context(self):
        """Load certificates and keys again if their files have changed.

        Where they cannot be loaded, a certificate without its key for one, the context stays as
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
            LOG.warning("%s: the certificates of before stay in use: %s", self.address, error)
            return
        LOG.info("%s: certificates were loaded again", self.address)
        self.session = None
        self.context = context


def host_of(text):
    """The host in ``[source;]host:port``, without brackets and zone."""
    host = text.rpartition(";")[2].rpartition(":")[0]
    if host[:1] == "[" and host[-1:] == "]":
        host = host[1:-1]
    return host.partition("%")[0]

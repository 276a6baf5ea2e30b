"""What the connections of a ``tls://`` or ``wss://`` endpoint have in common."""

from zlinkcompat.errors import EINVAL, zmq_error
from zlinkcompat.transports.link import Link
from zlinkcompat.transports.tlscontext import make_context


class TlsLink(Link):
    """A certificate to show, whom to trust, and the session to resume.

    Attributes
    ----------
    hostname : str or None
        Asked for (SNI) and checked by a client: TLS_HOSTNAME, or the host of the endpoint.
    session : ssl.SSLSession or None
        Of the last connection; a client that dials again resumes it, which saves the certificates.
    """

    def __init__(self, address, options, bind):
        Link.__init__(self, address, options, bind)
        self.context = make_context(options, bind, str(address))
        self.session = None
        self.hostname = None
        if not bind:
            named = options.tls_hostname
            self.hostname = (named.decode("utf-8", "replace") if named
                             else host_of(address.text))
        if not self.hostname:
            self.hostname = None
        self.try_out()

    def try_out(self):
        """Fail here, and not at each connection, if the context does not suit."""
        import ssl

        try:
            self.wrap(ssl.MemoryBIO(), ssl.MemoryBIO())
        except (ssl.SSLError, TypeError, AttributeError) as error:
            raise zmq_error(EINVAL, f"{str(self.address)!r}: ssl_context does not suit a "
                                    f"{'server' if self.bind else 'client'}: "
                                    f"{getattr(error, 'reason', '') or error}") from None
        except ValueError as error:
            raise zmq_error(EINVAL, f"{str(self.address)!r}: TLS_HOSTNAME or the host, "
                                    f"{self.hostname!r}, is no name for TLS: {error}") from None

    def wrap(self, incoming, outgoing):
        """The ``ssl.SSLObject`` of a connection, between two ``ssl.MemoryBIO``."""
        return self.context.wrap_bio(
            incoming, outgoing, server_side=self.bind, server_hostname=self.hostname,
            session=self.session,
        )

    def open(self, fd):
        from zlinkcompat.transports.tlsstream import TlsStream

        return TlsStream(fd, self)


def host_of(text):
    """The host in ``[source;]host:port``, without brackets and zone."""
    host = text.rpartition(";")[2].rpartition(":")[0]
    if host[:1] == "[" and host[-1:] == "]":
        host = host[1:-1]
    return host.partition("%")[0]

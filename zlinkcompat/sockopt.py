"""Socket options that are ours alone: numbers that no libzmq uses.

``sock.setsockopt(sockopt.TLS_CERT, b"server.pem")`` or ``sock.tls_cert = "server.pem"``. A value
that is not allowed is refused by EINVAL. They count for the binds and connects that follow.
Certificates and keys are a file's path, or the PEM text itself.

.. versionadded:: 0.1
"""

#: Certificate chain to show (bytes).
TLS_CERT = 2000
#: Its private key (bytes; can only be set); empty: TLS_CERT has it.
TLS_KEY = 2001
#: Who is trusted: certificates of authorities (bytes).
TLS_CA = 2002
#: A client checks the server's certificate and name (0 or 1; default 1).
TLS_VERIFY = 2003
#: A server wants a certificate that TLS_CA issued (0 or 1; default 0).
TLS_REQUIRE_CLIENT_CERT = 2004
#: The name that a client asks for and checks (bytes); empty: the endpoint's host.
TLS_HOSTNAME = 2005
#: Trust what the system trusts (0 or 1); -1, the default: when there is no TLS_CA.
TLS_TRUST_SYSTEM = 2006
#: Password of the private key (bytes; can only be set).
TLS_PASSWORD = 2007
#: Application protocols (ALPN, RFC 7301) to offer, one of which has to be agreed on (bytes, by
#: comma); empty, the default: none is offered or asked for.
TLS_ALPN = 2008
#: Comma-separated origins whose pages may connect (bytes, RFC 6454) beside those of the server's
#: own host; ``*`` allows all.
WS_ORIGINS = 2010
#: A STREAM socket sends text messages, in place of binary ones (0 or 1; default 0).
WS_TEXT = 2011
#: Unfinished handshakes of one bound endpoint (default 1024); 0: no limit.
HANDSHAKES_MAX = 2020
#: Subscriptions of one peer of a PUB or XPUB (default 0); 0: no limit.
SUBSCRIPTIONS_MAX = 2021
#: Bytes that wait for one peer, beside SNDHWM (default 0; not over inproc); 0: no limit.
SNDBYTES_MAX = 2022
#: Bytes of one peer that wait for the program, beside RCVHWM (default 0; not over inproc); 0: no
#: limit.
RCVBYTES_MAX = 2023
#: Bytes of one command or subscription of a peer (default 1048576); 0: MAXMSGSIZE alone.
COMMAND_MAX = 2024
#: Bytes of the properties that a peer tells of itself (default 16384); 0: no limit.
METADATA_MAX = 2025
#: Number of those properties (default 64); 0: no limit.
PROPERTIES_MAX = 2026

#: Names that sockets know as attributes, with text for bytes.
ATTRIBUTES = (
    "TLS_CERT", "TLS_KEY", "TLS_CA", "TLS_VERIFY", "TLS_REQUIRE_CLIENT_CERT", "TLS_HOSTNAME",
    "TLS_TRUST_SYSTEM", "TLS_PASSWORD", "TLS_ALPN", "WS_ORIGINS", "WS_TEXT",
    "HANDSHAKES_MAX", "SUBSCRIPTIONS_MAX", "SNDBYTES_MAX", "RCVBYTES_MAX", "COMMAND_MAX",
    "METADATA_MAX", "PROPERTIES_MAX",
)  # fmt: skip

"""Socket options of zlinkcompat alone, with numbers that libzmq does not use.

Set one by ``sock.setsockopt(sockopt.TLS_CERT, b"server.pem")`` or by ``sock.tls_cert =
"server.pem"``. An invalid value raises EINVAL. An option applies to later binds and connects.
Certificates and keys are given as the path of a file, or as the PEM text itself.

.. versionadded:: 0.1
"""

#: The certificate chain to present (bytes).
TLS_CERT = 2000
#: The private key of TLS_CERT (bytes; write-only); empty: the file of TLS_CERT contains it.
TLS_KEY = 2001
#: Certificates of trusted authorities (bytes).
TLS_CA = 2002
#: Whether a client checks the server's certificate and name (0 or 1; default 1).
TLS_VERIFY = 2003
#: Whether a server requires a certificate that TLS_CA issued (0 or 1; default 0).
TLS_REQUIRE_CLIENT_CERT = 2004
#: The server name that a client requests and checks (bytes); empty: the endpoint's host.
TLS_HOSTNAME = 2005
#: Whether to trust the system's authorities (0 or 1); -1, the default: only without TLS_CA.
TLS_TRUST_SYSTEM = 2006
#: The password of the private key (bytes; write-only).
TLS_PASSWORD = 2007
#: Comma-separated application protocols (ALPN, RFC 7301) to offer (bytes); the peers must agree on
#: one of them. Empty, the default: ALPN is not used.
TLS_ALPN = 2008
#: Comma-separated origins (bytes, RFC 6454) whose pages may connect, besides the server's own host;
#: ``*`` allows all.
WS_ORIGINS = 2010
#: Whether a STREAM socket sends text messages instead of binary ones (0 or 1; default 0).
WS_TEXT = 2011
#: Maximum number of unfinished handshakes of a bound endpoint (default 1024); 0: no limit.
HANDSHAKES_MAX = 2020
#: Maximum number of subscriptions of one peer of a PUB or XPUB (default 0); 0: no limit.
SUBSCRIPTIONS_MAX = 2021
#: Maximum bytes queued for one peer, besides SNDHWM (default 0; not for inproc); 0: no limit.
SNDBYTES_MAX = 2022
#: Maximum bytes of one peer that are queued for the program, besides RCVHWM (default 0; not for
#: inproc); 0: no limit.
RCVBYTES_MAX = 2023
#: Maximum bytes of one command or subscription of a peer (default 1048576); 0: limited only by
#: MAXMSGSIZE.
COMMAND_MAX = 2024
#: Maximum bytes of the properties that a peer sends about itself (default 16384); 0: no limit.
METADATA_MAX = 2025
#: Maximum number of those properties (default 64); 0: no limit.
PROPERTIES_MAX = 2026

#: The mask of our own monitor events, which EVENT_ALL does not contain:
#: ``sock.get_monitor_socket(zmq.EVENT_ALL | sockopt.EVENT_FLOW)``.
EVENT_FLOW = 0x10000
#: The number of the event of a slow consumer; its value is the age of the oldest message in
#: milliseconds.
EVENT_SLOW_CONSUMER = 0x7001
#: The number of the event of messages that are dropped for a full peer; its value is how many they
#: are so far, and 0 when it has ended.
EVENT_DROPS = 0x7002

#: Options that sockets have as attributes; these accept text in place of bytes.
ATTRIBUTES = (
    "TLS_CERT", "TLS_KEY", "TLS_CA", "TLS_VERIFY", "TLS_REQUIRE_CLIENT_CERT", "TLS_HOSTNAME",
    "TLS_TRUST_SYSTEM", "TLS_PASSWORD", "TLS_ALPN", "WS_ORIGINS", "WS_TEXT",
    "HANDSHAKES_MAX", "SUBSCRIPTIONS_MAX", "SNDBYTES_MAX", "RCVBYTES_MAX", "COMMAND_MAX",
    "METADATA_MAX", "PROPERTIES_MAX",
)  # fmt: skip

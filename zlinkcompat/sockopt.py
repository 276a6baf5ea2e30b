"""Socket options that are ours alone: numbers that no libzmq uses.

``sock.setsockopt(sockopt.TLS_CERT, b"server.pem")`` or ``sock.tls_cert = "server.pem"``.
Certificates and keys are a file's path, or the PEM text itself.
"""

TLS_CERT = 2000  # certificate chain to show
TLS_KEY = 2001  # its private key; empty: TLS_CERT has it
TLS_CA = 2002  # who is trusted
TLS_VERIFY = 2003  # a client checks the server's certificate and name
TLS_REQUIRE_CLIENT_CERT = 2004  # a server wants a certificate that TLS_CA issued
TLS_HOSTNAME = 2005  # the name that a client asks for and checks; empty: the endpoint's host
TLS_TRUST_SYSTEM = 2006  # trust what the system trusts; -1: when there is no TLS_CA
TLS_PASSWORD = 2007  # of the private key
WS_ORIGINS = 2010  # comma-separated origins whose pages may connect; empty: all
WS_TEXT = 2011  # a STREAM socket sends text messages, in place of binary ones
HANDSHAKES_MAX = 2020  # unfinished handshakes of one bound endpoint; 0: no limit
SUBSCRIPTIONS_MAX = 2021  # subscriptions of one peer of a PUB or XPUB; 0: no limit

#: Names that sockets know as attributes, with text for bytes.
ATTRIBUTES = (
    "TLS_CERT", "TLS_KEY", "TLS_CA", "TLS_VERIFY", "TLS_REQUIRE_CLIENT_CERT", "TLS_HOSTNAME",
    "TLS_TRUST_SYSTEM", "TLS_PASSWORD", "WS_ORIGINS", "WS_TEXT",
    "HANDSHAKES_MAX", "SUBSCRIPTIONS_MAX",
)  # fmt: skip

"""Numbers of libzmq (``zmq.h``) that this package uses by name, each defined only here.

A compiled module that needs one as a C integer declares it in its ``.pxd`` (``cdef int POLLIN``);
the import then fills the C variable.
"""

# -- socket types --------------------------------------------------------------------------

PAIR = 0
PUB = 1
SUB = 2
REQ = 3
REP = 4
DEALER = 5
ROUTER = 6
PULL = 7
PUSH = 8
XPUB = 9
XSUB = 10
STREAM = 11

# -- flags of send and recv, and events of poll ------------------------------------------------

NOBLOCK = 1
SNDMORE = 2

POLLIN = 1
POLLOUT = 2
POLLERR = 4
POLLPRI = 8

# -- properties of a frame ---------------------------------------------------------------------

MORE = 1
SRCFD = 2
SHARED = 3

# -- security mechanisms -----------------------------------------------------------------------

NULL = 0
PLAIN = 1
CURVE = 2

# -- socket options ------------------------------------------------------------------------
# Options that the code uses by name. core/option_table.py has the numbers of all others.

SUBSCRIBE = 6
UNSUBSCRIBE = 7
RCVMORE = 13
FD = 14
EVENTS = 15
TYPE = 16
SNDHWM = 23
RCVHWM = 24
LAST_ENDPOINT = 32
ROUTER_MANDATORY = 33
XPUB_VERBOSE = 40
ROUTER_RAW = 41
PROBE_ROUTER = 51
REQ_CORRELATE = 52
REQ_RELAXED = 53
ROUTER_HANDOVER = 56
CONNECT_ROUTING_ID = 61
XPUB_NODROP = 69
XPUB_MANUAL = 71
XPUB_WELCOME_MSG = 72
STREAM_NOTIFY = 73
INVERT_MATCHING = 74
XPUB_VERBOSER = 78
THREAD_SAFE = 81
XPUB_MANUAL_LAST_VALUE = 98
ONLY_FIRST_SUBSCRIBE = 108
TOPICS_COUNT = 116

# -- bits of the option RECONNECT_STOP ---------------------------------------------------------

RECONNECT_STOP_CONN_REFUSED = 1
RECONNECT_STOP_HANDSHAKE_FAILED = 2
RECONNECT_STOP_AFTER_DISCONNECT = 4

# -- monitor events ----------------------------------------------------------------------------

EVENT_CONNECTED = 0x0001
EVENT_CONNECT_DELAYED = 0x0002
EVENT_CONNECT_RETRIED = 0x0004
EVENT_LISTENING = 0x0008
EVENT_BIND_FAILED = 0x0010
EVENT_ACCEPTED = 0x0020
EVENT_ACCEPT_FAILED = 0x0040
EVENT_CLOSED = 0x0080
EVENT_CLOSE_FAILED = 0x0100
EVENT_DISCONNECTED = 0x0200
EVENT_MONITOR_STOPPED = 0x0400
EVENT_HANDSHAKE_FAILED_NO_DETAIL = 0x0800
EVENT_HANDSHAKE_SUCCEEDED = 0x1000
EVENT_HANDSHAKE_FAILED_PROTOCOL = 0x2000
EVENT_HANDSHAKE_FAILED_AUTH = 0x4000

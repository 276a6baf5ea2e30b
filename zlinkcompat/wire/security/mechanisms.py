"""The security mechanisms, by libzmq's numbers."""

from zlinkcompat._constants import CURVE, NULL, PLAIN
from zlinkcompat.wire.security.curve import CurveClient, CurveServer
from zlinkcompat.wire.security.null import Null
from zlinkcompat.wire.security.plain import PlainClient, PlainServer

#: (the client's class, the server's).
TABLE = {
    NULL: (Null, Null),
    PLAIN: (PlainClient, PlainServer),
    CURVE: (CurveClient, CurveServer),
}


def create(options):
    """The :class:`Mechanism` that ``options`` (libzmq's, in lower case) ask for."""
    return TABLE[options.mechanism][bool(options.as_server)](options)

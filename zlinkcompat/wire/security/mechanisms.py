"""The security mechanisms, by libzmq's numbers."""

from importlib import import_module

from zlinkcompat._constants import CURVE, NULL, PLAIN
from zlinkcompat.wire.security.null import Null

#: (the client's class, the server's). :func:`load` adds those of :data:`ON_DEMAND`.
TABLE = {NULL: (Null, Null)}

#: Imported by the first endpoint that asks for them: the module, and its two classes.
ON_DEMAND = {
    PLAIN: ("plain", "PlainClient", "PlainServer"),
    CURVE: ("curve", "CurveClient", "CurveServer"),
}


def load(mechanism):
    """Enter the classes of a mechanism into :data:`TABLE`."""
    if mechanism not in TABLE:
        module, client, server = ON_DEMAND[mechanism]
        module = import_module(f"zlinkcompat.wire.security.{module}")
        TABLE[mechanism] = getattr(module, client), getattr(module, server)


def create(options):
    """The :class:`Mechanism` that ``options`` (libzmq's, in lower case) ask for."""
    load(options.mechanism)
    return TABLE[options.mechanism][bool(options.as_server)](options)

"""The security mechanisms, by libzmq's numbers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from zlinkcompat._constants import CURVE, NULL, PLAIN
from zlinkcompat.wire.security.null import Null

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.wire.security.mechanism import Mechanism


#: The client's class and the server's class. :func:`load` adds those of :data:`ON_DEMAND`.
TABLE = {NULL: (Null, Null)}

#: The module and its two classes. The first endpoint that needs a mechanism imports its module.
ON_DEMAND = {
    PLAIN: ("plain", "PlainClient", "PlainServer"),
    CURVE: ("curve", "CurveClient", "CurveServer"),
}


def load(mechanism: int) -> None:
    """Add the classes of a mechanism to :data:`TABLE`."""
    if mechanism not in TABLE:
        name, client, server = ON_DEMAND[mechanism]
        module = import_module(f"zlinkcompat.wire.security.{name}")
        TABLE[mechanism] = getattr(module, client), getattr(module, server)


def create(options: Options) -> Mechanism:
    """Return the :class:`Mechanism` for ``options`` (libzmq's names in lower case)."""
    load(options.mechanism)
    return TABLE[options.mechanism][bool(options.as_server)](options)

"""Addresses of sockets and contexts, which pyzmq calls ``underlying``.

In pyzmq, two Python objects can share a socket by the address of libzmq's socket object. Here the
address is a number under which :func:`find` finds the core object while the object is alive.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from zlinkcompat.core.context import CoreContext
    from zlinkcompat.core.socket import CoreSocket


# Do not use id(): an address must not be reused while a shadow still has it. These numbers are
# larger than any pointer, so libzmq cannot mistake one for the address of an object.
FIRST_ADDRESS = (1 << 64) + 0x10000
ADDRESS_STEP = 0x10
_next_address = count(FIRST_ADDRESS, ADDRESS_STEP).__next__
_objects: WeakValueDictionary[int, Any] = WeakValueDictionary()


def register(thing: CoreContext | CoreSocket) -> int:
    """Assign an address (int, never 0) to ``thing`` and return it."""
    address = _next_address()
    _objects[address] = thing
    return address


def number_of(address: int) -> int:
    """Return a short number for an address: 1, 2, ... in the order of registration."""
    return (address - FIRST_ADDRESS) // ADDRESS_STEP + 1


def find(address: int, cls: Any) -> CoreContext | CoreSocket | None:
    """Return the object of class ``cls`` at ``address``, or None."""
    thing = _objects.get(address)
    return thing if isinstance(thing, cls) else None


def socket_at(address: int) -> Any:
    """Return the :class:`CoreSocket` at ``address``, or None."""
    from zlinkcompat.core.socket import CoreSocket

    return find(address, CoreSocket)


def context_at(address: int) -> Any:
    """Return the :class:`CoreContext` at ``address``, or None."""
    from zlinkcompat.core.context import CoreContext

    return find(address, CoreContext)

"""Addresses of sockets and contexts: what pyzmq calls ``underlying``.

pyzmq shares a socket between two Python objects by the address of libzmq's; here the address is
an integer that finds the same core object again while it lives.
"""

from itertools import count
from weakref import WeakValueDictionary

# Not id(): an address must never be reused for another object while a shadow still holds it. And
# beyond all pointers: libzmq, given one by mistake, cannot take it for the address of an object.
_next_address = count((1 << 64) + 0x10000, 0x10).__next__
_objects = WeakValueDictionary()


def register(thing):
    """Give ``thing`` an address (int, never 0) and return it."""
    address = _next_address()
    _objects[address] = thing
    return address


def find(address, cls):
    """The object of class ``cls`` at ``address``, or None."""
    thing = _objects.get(address)
    return thing if isinstance(thing, cls) else None


def socket_at(address):
    """The :class:`CoreSocket` at ``address``, or None."""
    from zlinkcompat.core.socket import CoreSocket

    return find(address, CoreSocket)


def context_at(address):
    """The :class:`CoreContext` at ``address``, or None."""
    from zlinkcompat.core.context import CoreContext

    return find(address, CoreContext)

"""Addresses of network interfaces, from getifaddrs(3).

The standard library has the names (``if_nameindex``) but not the addresses. The ioctl SIOCGIFADDR
supports only IPv4. libzmq uses getifaddrs as well, so order and labels agree.

Source: libzmq ``src/ip_resolver.cpp`` (``resolve_nic_name``).
"""

from __future__ import annotations

import _socket
import ctypes
import sys
from typing import Any


class _IfAddrs(ctypes.Structure):
    pass


_IfAddrs._fields_ = [
    ("next", ctypes.POINTER(_IfAddrs)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
]


class _SockAddr(ctypes.Structure):
    # Linux starts with a 16-bit family; BSD systems start with a length byte and a family byte.
    _fields_ = (
        [("family", ctypes.c_uint16)]
        if sys.platform == "linux"
        else [("length", ctypes.c_uint8), ("family", ctypes.c_uint8)]
    )


class _SockAddrIn(_SockAddr):
    _fields_ = [("port", ctypes.c_uint16), ("host", ctypes.c_ubyte * 4)]


class _SockAddrIn6(_SockAddr):
    _fields_ = [
        ("port", ctypes.c_uint16),
        ("flow", ctypes.c_uint32),
        ("host", ctypes.c_ubyte * 16),
        ("scope", ctypes.c_uint32),
    ]


def address_of(name: str, family: int) -> Any:
    """Return the first address of an interface.

    Parameters
    ----------
    name : str
    family : AF_INET or AF_INET6

    Returns
    -------
    tuple or None
        ``(host, scope id)``; None if the interface is unknown or has no address of that family.
    """
    wanted = name.encode("utf-8", "surrogateescape")
    layout = _SockAddrIn6 if family == _socket.AF_INET6 else _SockAddrIn
    try:
        libc = ctypes.CDLL(None)
        getifaddrs, freeifaddrs = libc.getifaddrs, libc.freeifaddrs
    except (OSError, AttributeError):
        return None
    first = ctypes.POINTER(_IfAddrs)()
    if getifaddrs(ctypes.byref(first)) != 0:
        return None
    try:
        entry: Any = first  # false for NULL
        while entry:
            item = entry.contents
            if item.address and item.name == wanted:
                address = layout.from_address(item.address)
                if address.family == family:
                    host = _socket.inet_ntop(family, bytes(address.host))
                    return host, getattr(address, "scope", 0)
            entry = item.next
        return None
    finally:
        freeifaddrs(first)

"""Byte-stream transports: which exist, and the interface of their modules.

A transport is a module of this folder with the name that its endpoints use. It has

``parse(text, ipv6, bind)``
    Returns the part after ``://`` as an address object. It looks nothing up, and raises pyzmq's
    error for addresses that libzmq rejects inside ``bind()`` or ``connect()``.
``listen(address, options, getaddrinfo)``
    Returns a :class:`~zlinkcompat.transports.sockets.ListenerSocket`, or raises pyzmq's error.
``accept(listener)``
    Returns ``(socket, peer address)``, or None if no peer waits; raises OSError.
``admits(sock, options)``
    Tells whether an accepted peer passes the filters of the options.
``start_connect(address, options, getaddrinfo)``, ``finish_connect(sock)``
    Return ``(socket, connected)``. If not connected, call ``finish_connect`` when the socket is
    writable. Both raise OSError.
``beyond_proxy(address, options)``
    Returns the ``(host, port)`` to request from the SOCKS proxy; None if there is no proxy.
``tune(sock, options)``
    Sets the socket options of every connection, accepted or connected; raises OSError.
``aliases(text, ipv6, getaddrinfo)``
    Returns other spellings under which ``unbind()`` and ``disconnect()`` search an endpoint.
``Link(address, options, bind)``
    Returns the state that an endpoint's connections share
    (:class:`~zlinkcompat.transports.link.Link`), or raises pyzmq's error for invalid options.
``local_endpoint(sock)``, ``peer_endpoint(sock)``, ``peer_address(sock)``
    Return strings for the monitor and for the ``Peer-Address`` property, or "" if unknown.

``options`` is any object with libzmq's option names as lower-case attributes. All sockets are plain
and non-blocking, so no call here switches greenlets, except in the given ``getaddrinfo``.
``inproc`` does not move bytes; it is in ``core``.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

#: The transports that move bytes.
SUPPORTED = frozenset({"tcp", "ipc", "tls", "ws", "wss"})


def get(name: str) -> Any:
    """Return the transport ``name``, one of :data:`SUPPORTED`; KeyError for any other name."""
    if name not in SUPPORTED:
        raise KeyError(name)
    return import_module("zlinkcompat.transports." + name)


#: Modules that a transport needs and that an installation may lack.
NEEDS = {"tls": ("_ssl",), "ws": ("wsproto",), "wss": ("_ssl", "wsproto")}


def has(name: str) -> bool:
    """Tell whether all modules are installed that the transport ``name`` needs."""
    return name in SUPPORTED and all(find_spec(module) for module in NEEDS.get(name, ()))

"""Byte streams: which transports exist, and where each lives.

A transport is a module of this folder, named as in its endpoints. It has

``parse(text, ipv6, bind)``
    The part behind ``://`` as an address object; raises pyzmq's error for what libzmq refuses
    inside ``bind()`` or ``connect()`` without looking anything up.
``listen(address, options, getaddrinfo)``
    A :class:`~zlinkcompat.transports.sockets.ListenerSocket`; raises pyzmq's error.
``accept(listener)``
    ``(socket, peer address)``, or None when nobody waits; raises OSError.
``admits(sock, options)``
    Whether an accepted peer passes the filters of the options.
``start_connect(address, options, getaddrinfo)``, ``finish_connect(sock)``
    ``(socket, connected)``; if not connected, finish when it is writable. Both raise OSError.
``beyond_proxy(address, options)``
    ``(host, port)`` that the SOCKS proxy at the other end is to be asked for; None: it is the peer.
``tune(sock, options)``
    What is set on every connection, accepted or made; raises OSError.
``aliases(text, ipv6, getaddrinfo)``
    Other spellings under which ``unbind()`` and ``disconnect()`` look for an endpoint.
``Link(address, options, bind)``
    What the connections of one endpoint share (:class:`~zlinkcompat.transports.link.Link`); raises
    pyzmq's error for options that do not do.
``local_endpoint(sock)``, ``peer_endpoint(sock)``, ``peer_address(sock)``
    Strings for the monitor and for the ``Peer-Address`` property; "" when there is none.

``options`` is any object with libzmq's option names in lower case. All sockets are plain and
non-blocking, so no call here switches greenlets, save for the ``getaddrinfo`` it was given.
``inproc`` has no bytes and lives in the core.
"""

from importlib import import_module
from importlib.util import find_spec

#: Names of the transports that move bytes.
SUPPORTED = frozenset({"tcp", "ipc", "tls", "ws", "wss"})


def get(name):
    """The transport called ``name``, one of :data:`SUPPORTED`; KeyError for any other."""
    if name not in SUPPORTED:
        raise KeyError(name)
    return import_module("zlinkcompat.transports." + name)


#: What a transport needs that not every installation has.
NEEDS = {"tls": ("_ssl",), "ws": ("wsproto",), "wss": ("_ssl", "wsproto")}


def has(name):
    """Tell whether everything is installed that the transport ``name`` needs."""
    return name in SUPPORTED and all(find_spec(module) for module in NEEDS.get(name, ()))

"""Names of hosts: looked up without stopping the hub of a thread that has one."""

from gevent import socket as gevent_socket
from gevent.monkey import get_original

from zlinkcompat.engine.waker import waits_in_hub


def getaddrinfo(*args):
    """``socket.getaddrinfo``."""
    if waits_in_hub():
        return gevent_socket.getaddrinfo(*args)
    return get_original("socket", "getaddrinfo")(*args)

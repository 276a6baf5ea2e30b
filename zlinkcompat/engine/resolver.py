"""Names of hosts: looked up without stopping the hub of a thread that has one."""

import threading
from _socket import EAI_AGAIN, gaierror  # ``socket`` takes a while to import

from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat.engine.wait import waits_in_hub


def getaddrinfo(*args):
    """``socket.getaddrinfo``; gaierror too when the interpreter ends, and threads begin no more."""
    if not waits_in_hub():
        return get_original("socket", "getaddrinfo")(*args)
    from gevent import socket as gevent_socket

    try:
        return gevent_socket.getaddrinfo(*args)
    except RuntimeError as error:
        if threading.main_thread().is_alive():
            raise
        raise gaierror(EAI_AGAIN, "no thread can look up names: the interpreter ends") from error

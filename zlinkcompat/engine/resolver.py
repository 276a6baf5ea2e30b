"""Host name lookup that does not block the hub of the calling thread."""

from __future__ import annotations

import threading
from _socket import EAI_AGAIN, gaierror  # ``socket`` takes a while to import
from typing import Any

from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat.engine.waker import waits_in_hub


def getaddrinfo(*args: Any) -> list[tuple[Any, Any, int, str, tuple[str, int]]]:
    """Call ``socket.getaddrinfo``.

    While the interpreter exits, new threads cannot start. Then this raises gaierror as well."""
    if not waits_in_hub():
        return get_original("socket", "getaddrinfo")(*args)
    from gevent import socket as gevent_socket

    try:
        return gevent_socket.getaddrinfo(*args)
    except RuntimeError as error:
        if threading.main_thread().is_alive():
            raise
        raise gaierror(EAI_AGAIN, "cannot look up names while the interpreter exits") from error

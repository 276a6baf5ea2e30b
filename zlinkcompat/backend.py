"""The pyzmq backend: ``PYZMQ_BACKEND=zlinkcompat.backend`` puts this core under ``import zmq``.

Every name that pyzmq 25.1 to 27 asks of a backend. pyzmq imports this module in the middle of its
own import, so nothing here may import pyzmq while it is being imported.

Source: pyzmq ``zmq/backend/select.py``, ``zmq/backend/__init__.pyi``.
"""

import os
import sys
from types import ModuleType

from zlinkcompat import transports
from zlinkcompat.base import Context, Frame, Socket
from zlinkcompat.errors import ENOTSUP, last_errno, strerror, zmq_error
from zlinkcompat.poll import zmq_poll
from zlinkcompat.proxies import device, monitored_queue, proxy, proxy_steerable

__all__ = [
    "Context", "Socket", "Frame", "Message",
    "device", "proxy", "proxy_steerable", "monitored_queue", "zmq_poll",
    "strerror", "zmq_errno", "zmq_version_info", "has", "curve_keypair", "curve_public",
    "IPC_PATH_MAX_LEN", "PYZMQ_DRAFT_API",
]  # fmt: skip

Message = Frame

#: Longest path of an ipc endpoint, bytes.
IPC_PATH_MAX_LEN = 107

PYZMQ_DRAFT_API = False


def zmq_errno():
    """The errno (int) of the last error that was raised here."""
    return last_errno()


def zmq_version_info():
    """The libzmq version that is emulated, ``(major, minor, patch)``."""
    return (4, 3, 5)


def has(capability):
    """Whether an optional capability of libzmq ("ipc", "curve", "draft", ...) is there (bool)."""
    if not isinstance(capability, str):
        raise TypeError(f"has: expected str, got: {capability!r}")
    return capability == "ipc" or capability in ("tls", "ws", "wss") and transports.has(capability)


def curve_keypair():
    """CURVE is not there yet: ENOTSUP, as from a libzmq built without it."""
    raise zmq_error(ENOTSUP, "curve_keypair: this version has no CURVE")


def curve_public(secret_key):
    """CURVE is not there yet: ENOTSUP, as from a libzmq built without it."""
    raise zmq_error(ENOTSUP, "curve_public: this version has no CURVE")


if os.environ.get("PYZMQ_BACKEND") == __name__:
    # Before 26 pyzmq has one compiled for libzmq in its own package, not in its backend.
    monitoredqueue = ModuleType("zmq.devices.monitoredqueue", monitored_queue.__doc__)
    monitoredqueue.__all__ = ["monitored_queue"]
    monitoredqueue.monitored_queue = monitored_queue
    sys.modules[monitoredqueue.__name__] = monitoredqueue

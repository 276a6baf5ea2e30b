"""The pyzmq backend: ``PYZMQ_BACKEND=zlinkcompat.backend`` makes ``import zmq`` use this engine.

This module has every name that pyzmq 25.1 to 27 expects of a backend. pyzmq imports it in the
middle of its own import, so nothing here may import pyzmq while pyzmq is being imported.

Source: pyzmq ``zmq/backend/select.py``, ``zmq/backend/__init__.pyi``.
"""

from __future__ import annotations

import os
import sys
from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any

from zlinkcompat import _backend, transports
from zlinkcompat._backend import Context, Frame
from zlinkcompat._backend.arguments import tells_address
from zlinkcompat._backend.poll import zmq_poll
from zlinkcompat._backend.proxies import device, monitored_queue, proxy, proxy_steerable
from zlinkcompat._backend.socket import OVERRIDABLE
from zlinkcompat._pyzmq import import_hooks
from zlinkcompat._pyzmq.asyncio_fairness import limit_bursts
from zlinkcompat._pyzmq.pickle_guard import guard_recv_pyobj
from zlinkcompat.errors import EINVAL, ENOTSUP, last_errno, strerror, zmq_error
from zlinkcompat.wire.security import sodium, z85

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = [
    "Context", "Socket", "Frame", "Message",
    "device", "proxy", "proxy_steerable", "monitored_queue", "zmq_poll",
    "strerror", "zmq_errno", "zmq_version_info", "has", "curve_keypair", "curve_public",
    "IPC_PATH_MAX_LEN", "PYZMQ_DRAFT_API",
]  # fmt: skip

Message = Frame


class Socket(_backend.Socket):
    """The base class of pyzmq's ``Socket``.

    .. versionadded:: 0.1

    pyzmq's ``send`` only adds draft features to its backend's, and its multipart methods send and
    receive frame by frame. So pyzmq's class uses our compiled methods instead, which take the same
    parameters. They go frame by frame if a program overrides ``send`` or ``recv``. pyzmq's
    asynchronous class yields now and then (see ``_pyzmq/asyncio_fairness.py``).
    """

    __slots__ = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__ == "zmq.sugar.socket":
            for name in ("send", "send_multipart", "recv_multipart"):
                delattr(cls, name)
            cls.bind = naming_address_once(cls.bind)
            cls.connect = naming_address_once(cls.connect)
            cls.__setattr__ = noting_overrides(cls.__setattr__)
            cls.recv_pyobj = guard_recv_pyobj(cls.recv_pyobj)
        elif cls.__module__ == "zmq._future" and cls.__name__ == "_AsyncSocket":
            limit_bursts(cls)


def naming_address_once(theirs: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``theirs``, pyzmq's ``bind`` or ``connect``, which adds the address to an error's text.

    The wrapper removes it if the text names the address already."""

    @wraps(theirs)
    def method(self: Any, addr: bytes | str) -> Any:
        try:
            return theirs(self, addr)
        except Exception as error:
            text, added, _ = getattr(error, "strerror", "").rpartition(f" (addr={addr!r})")
            if added and tells_address(text, addr):
                error.strerror = text
            raise

    return method


def noting_overrides(theirs: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``theirs``, pyzmq's ``__setattr__``, to note when a socket gets a method of its own."""

    @wraps(theirs)
    def __setattr__(self: Any, key: str, value: Any) -> None:
        theirs(self, key, value)
        if key in OVERRIDABLE:
            self._has_own_methods = True

    return __setattr__


#: The longest path of an ipc endpoint, in bytes.
IPC_PATH_MAX_LEN = 107

PYZMQ_DRAFT_API = False


def zmq_errno() -> int:
    """Return the errno of the last error that was raised here.

    .. versionadded:: 0.1

    Returns
    -------
    int
        0 if there was no error. libzmq's ``zmq_errno(3)``.
    """
    return last_errno()


def zmq_version_info() -> tuple[int, int, int]:
    """Return the libzmq version whose behaviour this package has.

    .. versionadded:: 0.1

    Returns
    -------
    tuple of int
        ``(major, minor, patch)``. libzmq's ``zmq_version(3)``.
    """
    return (4, 3, 5)


def has(capability: str) -> bool:
    """Tell whether an optional capability is available.

    .. versionadded:: 0.1

    Parameters
    ----------
    capability : str
        "ipc", "curve", "tls", "ws" or "wss". libzmq's others ("draft", "gssapi", ...) are not
        available.

    Returns
    -------
    bool
        "ws" and "wss" need the extra ``ws``; "curve" needs PyNaCl.

    Raises
    ------
    TypeError
        ``capability`` is not a str.

    Notes
    -----
    libzmq's ``zmq_has(3)``.
    """
    if not isinstance(capability, str):
        raise TypeError(f"has: expected str, got: {capability!r}")
    if capability == "curve":
        return not sodium.missing()
    return capability == "ipc" or (
        capability in ("tls", "ws", "wss") and transports.has(capability)
    )


def curve_keypair() -> tuple[bytes, bytes]:
    """Create a new pair of CURVE keys.

    .. versionadded:: 0.1

    Returns
    -------
    tuple of bytes
        ``(public key, secret key)``, each 40 bytes of Z85 text (RFC 32).

    Raises
    ------
    ZMQError
        ENOTSUP: PyNaCl is not installed.

    Notes
    -----
    libzmq's ``zmq_curve_keypair(3)``.
    """
    insist_on_curve("curve_keypair")
    public_key, secret_key = sodium.keypair()
    return z85.encode(public_key), z85.encode(secret_key)


def curve_public(secret_key: bytes) -> bytes:
    """Return the public key that belongs to a secret key.

    .. versionadded:: 0.1

    Parameters
    ----------
    secret_key : bytes or str
        40 bytes of Z85 text (RFC 32).

    Returns
    -------
    bytes
        40 bytes of Z85 text.

    Raises
    ------
    ValueError
        The key does not have 40 bytes.
    ZMQError
        EINVAL: the key is not Z85 text. ENOTSUP: PyNaCl is not installed.

    Notes
    -----
    libzmq's ``zmq_curve_public(3)``.
    """
    if isinstance(secret_key, str):
        secret_key = secret_key.encode()
    if len(secret_key) != 40:
        raise ValueError("secret key must be a 40 byte z85 encoded string")
    insist_on_curve("curve_public")
    try:
        raw = z85.decode(bytes(secret_key))
    except ValueError as error:
        raise zmq_error(EINVAL, f"curve_public: {error}") from None
    return z85.encode(sodium.public_of(raw))


def insist_on_curve(what: str) -> None:
    """Raise ENOTSUP if PyNaCl is missing."""
    if sodium.missing():
        raise zmq_error(ENOTSUP, f"{what}: {sodium.missing()}")


if os.environ.get("PYZMQ_BACKEND") == __name__:
    import_hooks.install_green()
    # Before version 26, pyzmq has this module, compiled for libzmq, in its own package.
    monitoredqueue = ModuleType("zmq.devices.monitoredqueue", monitored_queue.__doc__)
    monitoredqueue.__all__ = ["monitored_queue"]
    monitoredqueue.monitored_queue = monitored_queue
    sys.modules[monitoredqueue.__name__] = monitoredqueue
    # A module without a spec has no counterpart: a program may import ours beside pyzmq's name.
    sys.modules["zlinkcompat.devices.monitoredqueue"] = monitoredqueue

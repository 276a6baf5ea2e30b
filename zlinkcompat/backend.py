"""The pyzmq backend: ``PYZMQ_BACKEND=zlinkcompat.backend`` puts this core under ``import zmq``.

Every name that pyzmq 25.1 to 27 asks of a backend. pyzmq imports this module in the middle of its
own import, so nothing here may import pyzmq while it is being imported.

Source: pyzmq ``zmq/backend/select.py``, ``zmq/backend/__init__.pyi``.
"""

import os
import sys
from functools import wraps
from types import ModuleType

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

__all__ = [
    "Context", "Socket", "Frame", "Message",
    "device", "proxy", "proxy_steerable", "monitored_queue", "zmq_poll",
    "strerror", "zmq_errno", "zmq_version_info", "has", "curve_keypair", "curve_public",
    "IPC_PATH_MAX_LEN", "PYZMQ_DRAFT_API",
]  # fmt: skip

Message = Frame


class Socket(_backend.Socket):
    """What pyzmq's ``Socket`` derives from; see the base class.

    .. versionadded:: 0.1

    pyzmq's ``send`` only adds drafts to its backend's, and its multipart methods go frame by frame:
    its class is left with the compiled ones, which take the same parameters, and which go frame by
    frame where a program overrides ``send`` or ``recv``. Its asynchronous class gives way now and
    then (``burst.py``).
    """

    __slots__ = ()

    def __init_subclass__(cls, **kwargs):
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


def naming_address_once(theirs):
    """``theirs``, pyzmq's ``bind`` or ``connect``, which adds the address to the text of an error:
    without it where the text names the address already."""

    @wraps(theirs)
    def method(self, addr):
        try:
            return theirs(self, addr)
        except Exception as error:
            text, added, _ = getattr(error, "strerror", "").rpartition(f" (addr={addr!r})")
            if added and tells_address(text, addr):
                error.strerror = text
            raise

    return method


def noting_overrides(theirs):
    """``theirs``, pyzmq's ``__setattr__``, which also notes that a socket is given a method."""

    @wraps(theirs)
    def __setattr__(self, key, value):
        theirs(self, key, value)
        if key in OVERRIDABLE:
            self._has_own_methods = True

    return __setattr__


#: Longest path of an ipc endpoint, bytes.
IPC_PATH_MAX_LEN = 107

PYZMQ_DRAFT_API = False


def zmq_errno():
    """The errno of the last error that was raised here.

    .. versionadded:: 0.1

    Returns
    -------
    int
        0 if there was none. libzmq's ``zmq_errno(3)``.
    """
    return last_errno()


def zmq_version_info():
    """The libzmq version whose behaviour this is.

    .. versionadded:: 0.1

    Returns
    -------
    tuple of int
        ``(major, minor, patch)``. libzmq's ``zmq_version(3)``.
    """
    return (4, 3, 5)


def has(capability):
    """Whether an optional capability is there.

    .. versionadded:: 0.1

    Parameters
    ----------
    capability : str
        "ipc", "curve", "tls", "ws" or "wss"; no other of libzmq's ("draft", "gssapi", ...) is.

    Returns
    -------
    bool
        "ws" and "wss" are there where the extra ``ws`` is installed; "curve" where PyNaCl is.

    Raises
    ------
    TypeError
        ``capability`` is no text.

    Notes
    -----
    libzmq's ``zmq_has(3)``.
    """
    if not isinstance(capability, str):
        raise TypeError(f"has: expected str, got: {capability!r}")
    if capability == "curve":
        return not sodium.missing()
    return capability == "ipc" or capability in ("tls", "ws", "wss") and transports.has(capability)


def curve_keypair():
    """A new pair of keys for CURVE.

    .. versionadded:: 0.1

    Returns
    -------
    tuple of bytes
        ``(public key, secret key)``, each 40 octets of Z85 (RFC 32).

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


def curve_public(secret_key):
    """The public key for a secret one.

    .. versionadded:: 0.1

    Parameters
    ----------
    secret_key : bytes or str
        40 octets of Z85 (RFC 32).

    Returns
    -------
    bytes
        40 octets of Z85.

    Raises
    ------
    ValueError
        It has another length.
    ZMQError
        EINVAL: it is no Z85. ENOTSUP: PyNaCl is not installed.

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


def insist_on_curve(what):
    """ENOTSUP where PyNaCl is missing."""
    if sodium.missing():
        raise zmq_error(ENOTSUP, f"{what}: {sodium.missing()}")


if os.environ.get("PYZMQ_BACKEND") == __name__:
    import_hooks.install_green()
    # Before 26 pyzmq has one compiled for libzmq in its own package, not in its backend.
    monitoredqueue = ModuleType("zmq.devices.monitoredqueue", monitored_queue.__doc__)
    monitoredqueue.__all__ = ["monitored_queue"]
    monitoredqueue.monitored_queue = monitored_queue
    sys.modules[monitoredqueue.__name__] = monitoredqueue

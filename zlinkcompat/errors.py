"""The only place that creates pyzmq's exceptions.

pyzmq loads its backend in the middle of ``import zmq``, so the internal layers must not import
pyzmq while it is being imported. They use errno values as plain integers. This module looks up the
exception class when an error is actually raised.

Source: libzmq ``include/zmq.h`` (``ZMQ_HAUSNUMERO`` block) for the numbers above 156384712.
"""

from __future__ import annotations

import errno as _errno
import os as _os
from typing import Any

EACCES = _errno.EACCES
EAGAIN = _errno.EAGAIN
EINVAL = _errno.EINVAL
EFAULT = _errno.EFAULT
EINTR = _errno.EINTR
ENOENT = _errno.ENOENT
ENODEV = _errno.ENODEV
ENOTSUP = _errno.ENOTSUP
ENOTSOCK = _errno.ENOTSOCK
EMFILE = _errno.EMFILE
EMSGSIZE = _errno.EMSGSIZE
EADDRINUSE = _errno.EADDRINUSE
EADDRNOTAVAIL = _errno.EADDRNOTAVAIL
ECONNREFUSED = _errno.ECONNREFUSED
EHOSTUNREACH = _errno.EHOSTUNREACH
EPROTONOSUPPORT = _errno.EPROTONOSUPPORT
ENAMETOOLONG = _errno.ENAMETOOLONG
ETIMEDOUT = _errno.ETIMEDOUT

EFSM = 156384763
ENOCOMPATPROTO = 156384764
ETERM = 156384765
EMTHREAD = 156384766

#: Texts for errno values that the C library does not know (libzmq ``src/err.cpp``).
ZMQ_TEXTS = {
    EFSM: "Operation cannot be accomplished in current state",
    ENOCOMPATPROTO: "The protocol is not compatible with the socket type",
    ETERM: "Context was terminated",
    EMTHREAD: "No thread available",
    EHOSTUNREACH: "Host unreachable",
}

CLOSED = f"{_os.strerror(ENOTSOCK)}: the socket is closed; make another with Context.socket()"

# Errors of the state machine of REQ and REP: libzmq's text, and what to do.
REQ_SENDS = (
    f"{ZMQ_TEXTS[EFSM]}: send on REQ: the previous request has no reply yet; call recv() "
    "first, or set REQ_RELAXED"
)
REQ_RECEIVES = f"{ZMQ_TEXTS[EFSM]}: recv on REQ: no request was sent; call send() first"
REP_SENDS = f"{ZMQ_TEXTS[EFSM]}: send on REP: there is no request to reply to; call recv() first"
REP_RECEIVES = (
    f"{ZMQ_TEXTS[EFSM]}: recv on REP: the request before has no reply yet; call send() first"
)
UNREAD_FRAMES = (
    f"{ZMQ_TEXTS[EFSM]}: send: the last message received has frames left; call recv() "
    "for those first"
)

# Notes of Again and ContextTerminated, which tracebacks show below the text. The text itself stays
# libzmq's, because programs compare it with ``==``.
SEND_WAITS = (
    "send: no peer could take the message within SNDTIMEO milliseconds, or at once with "
    "NOBLOCK: no peer is connected, or SNDHWM messages wait for each"
)
RECV_WAITS = "recv: no message came within RCVTIMEO milliseconds, or at once with NOBLOCK"
TERMINATED = "the context is being terminated: close this socket, Context.term() waits for that"


_last = 0

# pyzmq's error module, once an error was raised.
error: Any = None


def zmq_error(errno: int, text: str | None = None) -> Any:
    """Create the pyzmq exception for ``errno``: ``Again``, ``ContextTerminated``, ``ZMQError``, ...

    Parameters
    ----------
    errno : int
    text : str, optional
        What failed, where, and what to do; by default pyzmq's own text for the errno. With EAGAIN
        and ETERM it becomes a note of the exception.

    Returns
    -------
    zmq.ZMQError
        The caller raises it.
    """
    global _last, error

    if error is None:
        from zmq import error
    _last = errno
    cls = error.ZMQError
    if errno == EAGAIN:
        cls = error.Again
    elif errno == ETERM:
        cls = error.ContextTerminated
    elif errno == EINTR:
        cls = error.InterruptedSystemCall
    if cls is error.ZMQError:
        return cls(errno, CLOSED if errno == ENOTSOCK and text is None else text)
    made = cls(errno)
    if errno == ETERM:
        text = TERMINATED
    if text is not None:
        made.__notes__ = [text]  # what add_note() does since Python 3.11
    return made


def no_peer(routing_id: bytes) -> str:
    """Return the text of EHOSTUNREACH for a message to ``routing_id`` (bytes)."""
    return (
        f"{ZMQ_TEXTS[EHOSTUNREACH]}: send: no peer is connected that has the routing id "
        f"{routing_id!r}"
    )


def strerror(errno: int) -> str:
    """Return the text of an errno, including libzmq's own numbers.

    .. versionadded:: 0.1

    Parameters
    ----------
    errno : int
        A value of ``ZMQError.errno``.

    Returns
    -------
    str
        libzmq's ``zmq_strerror(3)``.
    """
    return ZMQ_TEXTS.get(errno) or _os.strerror(errno)


def last_errno() -> int:
    """Return the errno (int) of the last exception that was created here; 0 if there was none."""
    return _last

"""The one place that makes pyzmq's exceptions.

pyzmq loads its backend in the middle of ``import zmq``, so nothing below the surface may import
pyzmq while it is itself being imported. Inside, errno values are plain integers; the exception
class is looked up here, when something is actually raised.

Source: libzmq ``include/zmq.h`` (``ZMQ_HAUSNUMERO`` block) for the numbers above 156384712.
"""

import errno as _errno
import os as _os

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

#: Texts of the numbers that the C library does not know (libzmq ``src/err.cpp``).
ZMQ_TEXTS = {
    EFSM: "Operation cannot be accomplished in current state",
    ENOCOMPATPROTO: "The protocol is not compatible with the socket type",
    ETERM: "Context was terminated",
    EMTHREAD: "No thread available",
    EHOSTUNREACH: "Host unreachable",
}


_last = 0


def zmq_error(errno, text=None):
    """Make the pyzmq exception for ``errno``: ``Again``, ``ContextTerminated``, ... ``ZMQError``.

    Parameters
    ----------
    errno : int
    text : str, optional
        What failed, where, and what to do; pyzmq's own text for the errno when absent.

    Returns
    -------
    zmq.ZMQError
        To be raised by the caller.
    """
    global _last

    from zmq import error

    _last = errno
    cls = error.ZMQError
    if errno == EAGAIN:
        cls = error.Again
    elif errno == ETERM:
        cls = error.ContextTerminated
    elif errno == EINTR:
        cls = error.InterruptedSystemCall
    if cls is not error.ZMQError:
        return cls(errno, text) if text else cls(errno)
    return cls(errno, text)


def strerror(errno):
    """Text of an errno, libzmq's own numbers included.

    .. versionadded:: 0.1

    Parameters
    ----------
    errno : int
        Of ``ZMQError.errno``.

    Returns
    -------
    str
        libzmq's ``zmq_strerror(3)``.
    """
    return ZMQ_TEXTS.get(errno) or _os.strerror(errno)


def last_errno():
    """The errno (int) of the last exception that was made here; 0 if there was none."""
    return _last

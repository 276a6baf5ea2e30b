"""Create ``ipc://`` socket files whose owners are alive, or have ended and left them behind."""

import os
import socket

import pytest
import zmq

from zlinkcompat.transports import ipc


def stale(path):
    """Create a socket file whose owner is dead."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()


def start_child(work):
    """Fork a child that calls ``work``, and return its pid.

    The child exits with 0, or with the errno of the failure.
    """
    pid = os.fork()
    if not pid:
        status = 255
        try:
            work()
            status = 0
        except (OSError, zmq.ZMQError) as error:
            status = error.errno
        finally:
            os._exit(status)
    return pid


def in_child(work):
    return os.waitstatus_to_exitcode(os.waitpid(start_child(work), 0)[1])


def refused(bind, path):
    with pytest.raises(zmq.ZMQError) as caught:
        bind(f"ipc://{path}")
    assert caught.value.errno == zmq.EADDRINUSE
    return str(caught.value)


def lock_path(path):
    return path.with_name(path.name + os.fsdecode(ipc.LOCK_SUFFIX))

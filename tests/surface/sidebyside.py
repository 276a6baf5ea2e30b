"""Run a scenario on real libzmq (pyzmq) and on zlinkcompat, in one process."""

import zmq as pyzmq
from guard import GUARD

import zlinkcompat

LIBRARIES = {"pyzmq": pyzmq, "zlinkcompat": zlinkcompat}


def outcome(call, *args, **kwargs):
    """Return ``(exception class, errno)`` of a call, or ``("returned", value)``.

    The class is the exact class of the exception: Again is not equal to ZMQError.
    """
    try:
        return "returned", call(*args, **kwargs)
    except Exception as error:
        return type(error), getattr(error, "errno", None)


def failure(call, *args, **kwargs):
    """Return the :func:`outcome` of a call whose return value does not matter."""
    result = outcome(call, *args, **kwargs)
    return "returned" if result[0] == "returned" else result


class Side:
    """One library with a context of its own; its sockets time out after :data:`GUARD` seconds."""

    def __init__(self, name):
        self.name = name
        self.zmq = LIBRARIES[name]
        self.context = self.zmq.Context()
        self.sockets = []  # the garbage collector would close a socket without references

    def socket(self, kind, **options):
        sock = self.context.socket(getattr(self.zmq, kind))
        self.sockets.append(sock)
        sock.linger = 0
        sock.rcvtimeo = sock.sndtimeo = GUARD * 1000
        for option, value in options.items():
            setattr(sock, option, value)
        return sock

    def pair(self, binder="PAIR", connecter="PAIR", endpoint="inproc://pair"):
        """Return two connected sockets."""
        one, other = self.socket(binder), self.socket(connecter)
        one.bind(endpoint)
        other.connect(one.last_endpoint.decode())
        return one, other

    def close(self):
        self.context.destroy(linger=0)

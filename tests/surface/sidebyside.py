"""The same scenario on real libzmq (pyzmq) and on zlinkcompat, in one process."""

import zmq as pyzmq
from guard import GUARD

import zlinkcompat

LIBRARIES = {"pyzmq": pyzmq, "zlinkcompat": zlinkcompat}


def outcome(call, *args, **kwargs):
    """What a call does: ``(exception class, errno)``, or ``("returned", value)``.

    The class is that of the exception itself, so Again is not taken for ZMQError.
    """
    try:
        return "returned", call(*args, **kwargs)
    except Exception as error:
        return type(error), getattr(error, "errno", None)


def failure(call, *args, **kwargs):
    """:func:`outcome` where it does not matter what is returned."""
    result = outcome(call, *args, **kwargs)
    return "returned" if result[0] == "returned" else result


class Side:
    """One library with a context of its own; its sockets give up after :data:`GUARD` seconds."""

    def __init__(self, name):
        self.name = name
        self.zmq = LIBRARIES[name]
        self.context = self.zmq.Context()
        self.sockets = []  # a socket that nobody holds is closed

    def socket(self, kind, **options):
        sock = self.context.socket(getattr(self.zmq, kind))
        self.sockets.append(sock)
        sock.linger = 0
        sock.rcvtimeo = sock.sndtimeo = GUARD * 1000
        for option, value in options.items():
            setattr(sock, option, value)
        return sock

    def pair(self, binder="PAIR", connecter="PAIR", endpoint="inproc://pair"):
        """Two connected sockets."""
        one, other = self.socket(binder), self.socket(connecter)
        one.bind(endpoint)
        other.connect(one.last_endpoint.decode())
        return one, other

    def close(self):
        self.context.destroy(linger=0)

"""pyzmq in gevent, by ``zmq.green``."""

from ..waiting import Greenlets
from .pyzmq import Pyzmq


class Library(Pyzmq):
    name = "zmq.green"
    order = 1
    module = "zmq.green"
    waiting = Greenlets
    # Its proxy is libzmq's, which blocks the hub, and so all other sockets of the thread.
    patterns = tuple(each for each in Pyzmq.patterns if each != "proxy")

    def about(self):
        import gevent

        return {**super().about(), "gevent": gevent.__version__}

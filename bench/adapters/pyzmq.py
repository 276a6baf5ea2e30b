"""pyzmq on libzmq, the reference of all comparisons."""

from .base import Adapter


class Pyzmq(Adapter):
    module = "zmq"

    def about(self):
        return {"version": self.zmq.pyzmq_version(), "libzmq": self.zmq.zmq_version()}


class Library(Pyzmq):
    name = "pyzmq"
    order = 0

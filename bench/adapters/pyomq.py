"""pyomq: a core in Rust with an API like pyzmq's."""

from .base import Adapter


class Library(Adapter):
    name = "pyomq"
    order = 3
    module = "pyomq"
    forks = False  # it waits in steps of a millisecond then
    # 0.21 has neither XPUB_NODROP nor CONNECT_ROUTING_ID.
    patterns = tuple(
        each
        for each in Adapter.patterns
        if each not in ("curve", "pub-sub", "fan-out", "router-router")
    )

    def start(self, case):
        self.context = self.zmq.Context()  # which has no limit of sockets

"""pyomq: a core in Rust with an API like pyzmq's."""

from functools import cache
from importlib import metadata

from .base import Adapter


class Pyomq(Adapter):
    """What all APIs of pyomq share."""

    module = "pyomq"
    forks = False  # it waits in steps of a millisecond then
    # It has no CONNECT_ROUTING_ID. Its PUB and its XPUB drop messages even with OMQ_ON_MUTE_BLOCK
    # (0.27.3), so there is no rate of what arrives.
    patterns = tuple(
        each for each in Adapter.patterns if each not in ("pub-sub", "fan-out", "router-router")
    )
    #: Which of them releases before 0.27 cannot do.
    newer = ("curve", "ring", "slow-subscriber", "prompt-subscribers")

    def runs(self, case):
        return super().runs(case) and not (case.pattern in self.newer and is_old())

    def about(self):
        return {"version": metadata.version("pyomq")}

    def start(self, case):
        self.context = self.zmq.Context()  # which has no limit of sockets


@cache
def is_old():
    """Whether the release that is installed is older than 0.27; False where there is none."""
    try:
        version = metadata.version("pyomq").split(".")
    except metadata.PackageNotFoundError:
        return False
    return tuple(map(int, version[:2])) < (0, 27)


class Library(Pyomq):
    name = "pyomq"
    order = 3

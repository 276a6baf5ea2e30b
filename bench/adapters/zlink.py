"""This project's import on the hub engine, compiled."""

from functools import cache
from importlib import import_module

from .. import certificate
from ..waiting import Greenlets
from .base import Adapter


class Zlink(Adapter):
    """The base class of the adapters for this project's entry points."""

    module = "zlinkcompat"
    transports = (*Adapter.transports, "tls", "ws", "wss")
    # The programs are not monkey-patched, so they must select the hub engine.
    environment = {"ZLINK_ENGINE": "hub"}
    waiting = Greenlets

    def runs(self, case):
        needed = "curve" if case.shape.encrypted else case.transport
        return super().runs(case) and needed not in lacking()

    def load(self):
        super().load()
        # Import the modules that the package imports at first use. They are then imported once, and
        # not in each process of a round.
        import_module("zlinkcompat._sugar.names")

    def about(self):
        import gevent

        from zlinkcompat import debug

        info = debug.build_info()
        found = {
            "version": info["version"],
            "gevent": gevent.__version__,
            "build": {True: "compiled", False: "pure"}.get(info["compiled"], "partly compiled"),
        }
        return {**found, "without": " and ".join(lacking())} if lacking() else found

    def counters(self):
        from zlinkcompat import debug

        return debug.counters() if debug.counting() else None

    def socket(self, case, end):
        socket = super().socket(case, end)
        if case.transport in certificate.TRANSPORTS:
            # Handshakes are not measured, so the certificate need not be verified.
            socket.setsockopt(sockopt("TLS_VERIFY"), 0)
            chain, key = self.certificate
            socket.setsockopt(sockopt("TLS_CERT"), chain.encode())
            socket.setsockopt(sockopt("TLS_KEY"), key.encode())
        return socket


@cache
def lacking():
    """Return the transports whose extras are not installed. Their cases are left out."""
    from zlinkcompat import has

    return [name for name in ("curve", "tls", "ws", "wss") if not has(name)]


def sockopt(name):
    from zlinkcompat import sockopt

    return getattr(sockopt, name)


class Library(Zlink):
    name = "zlink"
    order = 10

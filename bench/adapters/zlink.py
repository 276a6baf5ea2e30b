"""This project: the swapped import, in gevent's hub, compiled."""

from importlib import import_module

from bench import certificate
from bench.adapters.base import Adapter
from bench.waiting import Greenlets


class Zlink(Adapter):
    """What all doors to this project share."""

    module = "zlinkcompat"
    transports = (*Adapter.transports, "tls", "ws", "wss")
    environment = {"ZLINK_ENGINE": "hub"}  # these programs are not monkey-patched
    waiting = Greenlets

    def load(self):
        super().load()
        # What the package resolves at first use: here once, not in each process of a round.
        import_module("zlinkcompat._names")

    def about(self):
        import gevent

        from zlinkcompat import debug

        info = debug.build_info()
        return {
            "version": info["version"], "gevent": gevent.__version__,
            "build": {True: "compiled", False: "pure"}.get(info["compiled"], "partly compiled"),
        }

    def counters(self):
        from zlinkcompat import debug

        return debug.counters() if debug.counting() else None

    def socket(self, case, end):
        socket = super().socket(case, end)
        if case.transport in certificate.TRANSPORTS:
            # What is measured comes after the handshake.
            socket.setsockopt(sockopt("TLS_VERIFY"), 0)
            chain, key = certificate.files()
            socket.setsockopt(sockopt("TLS_CERT"), chain.encode())
            socket.setsockopt(sockopt("TLS_KEY"), key.encode())
        return socket


def sockopt(name):
    from zlinkcompat import sockopt

    return getattr(sockopt, name)


class Library(Zlink):
    name = "zlink"
    order = 10

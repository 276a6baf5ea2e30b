"""This project: the swapped import, in gevent's hub, compiled."""

from importlib.util import find_spec

from bench.adapters.base import Adapter, Missing
from bench.waiting import Greenlets


class Zlink(Adapter):
    """What all doors to this project share."""

    module = "zlinkcompat"
    waiting = Greenlets

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

    def need(self, module):
        """Raise Missing while ``module`` is only planned."""
        if find_spec(module) is None:
            raise Missing("not built yet")


class Library(Zlink):
    name = "zlink"
    order = 10

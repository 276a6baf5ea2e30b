"""The page's server for a monkey-patched program: ``gevent.pywsgi`` in the program's hub."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gevent import get_hub
from gevent.pywsgi import WSGIHandler, WSGIServer

from zlinkcompat.metrics.request_limits import PATIENCE, REQUESTS_MAX


class Handler(WSGIHandler):
    """Gives up clients that are silent."""

    def handle(self) -> None:
        """Answer the requests of a connection."""
        self.socket.settimeout(PATIENCE)
        super().handle()


class HubServer(WSGIServer):
    """A server with a greenlet for each request, and a limit of greenlets.

    Parameters
    ----------
    host : str
    port : int
    app : callable
        The WSGI application.
    """

    def __init__(self, host: str, port: int, app: Callable[..., Iterable[bytes]]) -> None:
        super().__init__(
            (host, port),
            app,
            log=None,
            error_log=None,
            spawn=REQUESTS_MAX,
            handler_class=Handler,
        )
        self.start()
        self.address: tuple[str, int] = (self.server_host, self.server_port)

    def stop(self, timeout: float | None = 0) -> None:
        """Stop listening, and end the requests that are being answered."""
        super().stop(timeout)

    def after_fork_child(self) -> None:
        """Close the listener in a forked child."""
        # Do this before stopping watchers: libuv shares the epoll with the parent, and would stop
        # them in the parent.
        get_hub().loop.reinit()
        self.close()

"""The page's server for a program that is not monkey-patched: ``wsgiref`` in daemon threads."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterable
from socketserver import TCPServer, ThreadingMixIn
from threading import BoundedSemaphore, Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from zlinkcompat.metrics.request_limits import PATIENCE, REQUESTS_MAX


class Handler(WSGIRequestHandler):
    """Gives up clients that are silent, and does not write to stderr."""

    timeout = PATIENCE

    def log_message(self, format: Any, *args: Any) -> None:
        """Log nothing."""

    def get_stderr(self) -> Any:
        """Return a file for the traceback of a client that left in the middle of the page."""
        return io.StringIO()


class ThreadServer(ThreadingMixIn, WSGIServer):
    """A server with a thread for each request, and a limit of threads.

    Parameters
    ----------
    host : str
    port : int
    app : callable
        The WSGI application.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, app: Callable[..., Iterable[bytes]]) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.slots = BoundedSemaphore(REQUESTS_MAX)
        super().__init__((host, port), Handler)
        self.set_app(app)
        self.address = self.server_name, self.server_port
        Thread(target=self.serve_forever, name="zlinkcompat.metrics", daemon=True).start()

    def server_bind(self) -> None:
        """Bind without a look-up of the host's name, which may take seconds."""
        TCPServer.server_bind(self)
        name, self.server_port = self.socket.getsockname()[:2]
        self.server_name = str(name)
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a request, when one is free."""
        self.slots.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self.slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a request in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do nothing: the client has left early. The application logs its own errors."""

    def stop(self) -> None:
        """Stop listening, and end the thread that accepts."""
        self.shutdown()
        self.server_close()

    def after_fork_child(self) -> None:
        """Close the listener in a forked child, where the thread does not run."""
        self.socket.close()

"""A page with the metrics, for Prometheus and other collectors of OpenMetrics.

In a monkey-patched program the page is served by ``gevent.pywsgi`` in the hub of the thread that
calls :func:`serve`. Otherwise ``wsgiref`` of the standard library serves it in daemon threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

from zlinkcompat._runtime.gevent_support import is_module_patched
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.metrics.definitions import PEERS_MAX
from zlinkcompat.metrics.openmetrics import CONTENT_TYPE, render

LOOPBACK = "127.0.0.1"

LOG = Log("zlinkcompat.metrics")

#: The servers that listen, which a forked child closes.
servers: WeakSet[MetricsServer] = WeakSet()


def wsgi_app(
    environ: dict[str, Any], start_response: Callable[..., Any], peers_max: int | None = PEERS_MAX
) -> Iterable[bytes]:
    """Answer ``GET /metrics``: a WSGI application, to mount in a web server of your own.

    .. versionadded:: 0.1

    Parameters
    ----------
    environ : dict
        The request.
    start_response : callable
        As WSGI (PEP 3333) defines it.
    peers_max : int, optional
        The most peers of one socket that have time series of their own, worst first; None: all.

    Returns
    -------
    iterable of bytes
        The page.
    """
    method = environ.get("REQUEST_METHOD", "GET")
    kind = "text/plain; charset=utf-8"
    more = []
    if method not in ("GET", "HEAD"):
        status, text = "405 Method Not Allowed", "use GET\n"
        more.append(("Allow", "GET, HEAD"))
    elif environ.get("PATH_INFO", "").rstrip("/") not in ("", "/metrics"):
        status, text = "404 Not Found", "the metrics are at /metrics\n"
    else:
        status, text = "200 OK", render(peers_max=peers_max)
        # A browser would store the page in a file if it had OpenMetrics' type.
        if "text/html" not in environ.get("HTTP_ACCEPT", ""):
            kind = CONTENT_TYPE
    body = text.encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), *more]
    start_response(status, headers)
    return [] if method == "HEAD" else [body]


class MetricsServer:
    """A page that is served until :meth:`close`; :func:`serve` makes it.

    .. versionadded:: 0.1

    Parameters
    ----------
    host : str
    port : int
    peers_max : int, optional
        The most peers of one socket that have time series of their own, worst first; None: all.

    Attributes
    ----------
    url : str
        The address of the page.
    """

    def __init__(self, host: str, port: int, peers_max: int | None) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            try:
                return wsgi_app(environ, start_response, peers_max)
            except Exception:
                # The server itself would only print it to stderr.
                LOG.exception("metrics page: no answer to %s", environ.get("PATH_INFO"))
                raise

        self._server = server_class()(host, port, app)
        host, port = self._server.address
        self.url: str = f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics"
        servers.add(self)

    def __repr__(self) -> str:
        return f"<MetricsServer {self.url}>"

    def __enter__(self) -> MetricsServer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving the page. A second call has no effect."""
        if self in servers:
            servers.discard(self)
            self._server.stop()


def server_class() -> Any:
    """Return the server for this program. Its module is imported late, as few programs need it."""
    if is_module_patched("socket"):
        from zlinkcompat.metrics.hub_server import HubServer

        return HubServer
    from zlinkcompat.metrics.thread_server import ThreadServer

    return ThreadServer


def address_of(address: str | int) -> tuple[str, int]:
    """Return the host and the port of the text of an address; ValueError if it is not one."""
    host, _, port = str(address).rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or LOOPBACK
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError(
            f"the address must be a port, or a host and a port such as '{LOOPBACK}:9464', "
            f"not {address!r}"
        )
    return host, int(port)


def serve(address: str | int = 0, peers_max: int | None = PEERS_MAX) -> MetricsServer:
    """Serve the metrics of this process at ``http://ADDRESS/metrics``.

    The page has no password. It listens on the loopback interface unless the address has a host.
    A forked child does not serve the page of its parent, and may call this itself.

    .. versionadded:: 0.1

    Parameters
    ----------
    address : int or str, optional
        A port, or a host and a port such as "0.0.0.0:9464" or "[::1]:9464". By default the system
        chooses a free port.
    peers_max : int, optional
        The most peers of one socket that have time series of their own, worst first; None: all.

    Returns
    -------
    MetricsServer
        The running server. Keep it as long as the page is needed; it is a context manager.

    Raises
    ------
    ValueError
        The address is not valid.
    OSError
        EADDRINUSE, EACCES, ...: the address cannot be used.

    Examples
    --------
    >>> from urllib.request import urlopen
    >>> from zlinkcompat import metrics
    >>> with metrics.serve() as page:
    ...     urlopen(page.url).read().decode().splitlines()[-1]
    '# EOF'
    """
    host, port = address_of(address)
    return MetricsServer(host, port, peers_max)


def after_fork_child() -> None:
    """Close the page in a forked child: it belongs to the parent."""
    for server in list(servers):
        server._server.after_fork_child()
    servers.clear()


os.register_at_fork(after_in_child=after_fork_child)

"""The state of this process's sockets: a typed snapshot, and metrics for collectors.

:func:`snapshot` returns the state of every socket and peer. :func:`serve` shows it as a page for
Prometheus. ``zlinkcompat.metrics.prometheus`` and ``zlinkcompat.metrics.opentelemetry`` add these
metrics to the ones that a program already exports.
"""

from zlinkcompat.debug.ranking import worst_first
from zlinkcompat.debug.records import PeerRecord, ProcessRecord, SocketRecord, snapshot
from zlinkcompat.metrics.control import close_control, open_control
from zlinkcompat.metrics.openmetrics import render
from zlinkcompat.metrics.server import MetricsServer, serve, wsgi_app

__all__ = [
    "MetricsServer", "PeerRecord", "ProcessRecord", "SocketRecord", "close_control", "open_control",
    "render", "serve", "snapshot", "worst_first", "wsgi_app",
]  # fmt: skip

"""The text page of metrics, by the rules of OpenMetrics 1.0.

Source: the OpenMetrics specification 1.0, section "Text Format".
"""

from __future__ import annotations

from zlinkcompat.debug.records import ProcessRecord, snapshot
from zlinkcompat.metrics.definitions import METRICS, PEERS_MAX, samples

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def escape(text: str) -> str:
    """Escape a label value or a help text. Surrogates, which UTF-8 cannot encode, become ``?``."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """Return a value as text; whole numbers have no decimal point."""
    return repr(value) if isinstance(value, int) else repr(float(value))


def render(process: ProcessRecord | None = None, peers_max: int | None = PEERS_MAX) -> str:
    """Return the metrics as OpenMetrics text.

    .. versionadded:: 0.1

    Parameters
    ----------
    process : ProcessRecord, optional
        The snapshot to describe; by default a new one.
    peers_max : int, optional
        The most peers of one socket that have time series of their own, worst first; None: all.
        The metrics of the socket always count all of its peers.

    Returns
    -------
    str
        The text, which ends with ``# EOF``.

    Examples
    --------
    >>> from zlinkcompat import metrics
    >>> metrics.render().splitlines()[-1]
    '# EOF'
    """
    lines = []
    if process is None:
        process = snapshot()
    for metric in METRICS:
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        if metric.unit:
            lines.append(f"# UNIT {metric.name} {metric.unit}")
        lines.append(f"# HELP {metric.name} {escape(metric.help)}")
        name = metric.sample_name
        for values, value in samples(metric, process, peers_max):
            labels = ",".join(
                f'{label}="{escape(text)}"'
                for label, text in zip(metric.labels, values, strict=True)
            )
            lines.append(f"{name}{f'{{{labels}}}' if labels else ''} {number(value)}")
    lines.append("# EOF\n")
    return "\n".join(lines)

"""The text page of metrics, by the rules of OpenMetrics 1.0.

Source: the OpenMetrics specification 1.0, section "Text Format".
"""

from __future__ import annotations

from functools import lru_cache

from zlinkcompat.debug.records import ProcessRecord, snapshot
from zlinkcompat.metrics.definitions import LABELS, METRICS, PEERS_MAX, LabelledRecords

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
    found = LabelledRecords(snapshot() if process is None else process, peers_max)
    lines = []
    texts: dict[tuple[str, ...], str] = {}  # a record has many samples with the same labels
    for metric in METRICS:
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        if metric.unit:
            lines.append(f"# UNIT {metric.name} {metric.unit}")
        lines.append(f"# HELP {metric.name} {escape(metric.help)}")
        name, names = metric.sample_name, LABELS[metric.scope]
        for labels, record in found.of(metric):
            text = texts.get(labels)
            if text is None:
                text = texts[labels] = label_text(names, labels)
            for extra, value in metric.values(record):
                more = extra_text(metric.extra, extra) if extra else ""
                all_labels = (
                    f"{{{text}{',' if text and more else ''}{more}}}" if text or more else ""
                )
                lines.append(f"{name}{all_labels} {number(value)}")
    lines.append("# EOF\n")
    return "\n".join(lines)


def label_text(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    """Return the labels of a sample as text, without the braces."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in zip(names, values, strict=True))


#: The same for labels such as ``direction``, which have few values.
extra_text = lru_cache(maxsize=100)(label_text)

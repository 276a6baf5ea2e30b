"""Latencies in nanoseconds, in HDR histograms with three significant digits."""

from functools import cache

from hdrh.histogram import HdrHistogram

HIGHEST = 60 * 10**9
PERCENTILES = {"p50_us": 50, "p90_us": 90, "p99_us": 99, "p999_us": 99.9}


def encoded(times):
    """Return a histogram of ``times`` (in nanoseconds) as text, for :func:`merged`."""
    histogram = HdrHistogram(1, HIGHEST, 3)
    for each in times:
        histogram.record_value(int(each))
    return histogram.encode().decode()


def merged(texts):
    """Return one histogram with the values of all histograms in ``texts``."""
    histogram = HdrHistogram(1, HIGHEST, 3)
    for text in texts:
        histogram.decode_and_add(text)
    return histogram


@cache
def percentiles(texts):
    """Return ``p50_us`` to ``p999_us`` and ``mean_us`` of the histograms in the tuple ``texts``.

    The result is cached: to compute the percentiles of a whole run takes many seconds, and they are
    needed each time that the results are saved.
    """
    histogram = merged(texts)
    found = {
        name: histogram.get_value_at_percentile(percent) / 1000
        for name, percent in PERCENTILES.items()
    }
    return {**found, "mean_us": histogram.get_mean_value() / 1000}

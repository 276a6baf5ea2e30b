"""Latencies in HDR histograms of nanoseconds, three digits exact."""

from functools import cache

from hdrh.histogram import HdrHistogram

HIGHEST = 60 * 10**9
PERCENTILES = {"p50_us": 50, "p90_us": 90, "p99_us": 99, "p999_us": 99.9}


def encoded(times):
    """A histogram of ``times``, in nanoseconds, as text that :func:`merged` takes."""
    histogram = HdrHistogram(1, HIGHEST, 3)
    for each in times:
        histogram.record_value(int(each))
    return histogram.encode().decode()


def merged(texts):
    """Merge all histograms in ``texts`` into one."""
    histogram = HdrHistogram(1, HIGHEST, 3)
    for text in texts:
        histogram.decode_and_add(text)
    return histogram


@cache
def percentiles(texts):
    """``p50_us`` to ``p999_us``, and ``mean_us``, of the histograms in ``texts``, a tuple.

    Those of a whole run take many seconds, and each time that the results are saved.
    """
    histogram = merged(texts)
    found = {
        name: histogram.get_value_at_percentile(percent) / 1000
        for name, percent in PERCENTILES.items()
    }
    return {**found, "mean_us": histogram.get_mean_value() / 1000}

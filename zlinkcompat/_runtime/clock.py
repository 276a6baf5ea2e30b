"""The monotonic clock, read on the message path (pure-Python fallback of ``clock.pyx``)."""

from time import monotonic_ns

__all__ = ["monotonic_ns"]

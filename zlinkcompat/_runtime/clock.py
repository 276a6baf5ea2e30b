"""The monotonic clock, read on the message path (pure twin of the kernel ``clock.pyx``)."""

from time import monotonic_ns

__all__ = ["monotonic_ns"]

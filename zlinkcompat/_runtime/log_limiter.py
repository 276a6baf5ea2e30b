"""A limit for log records that a peer can cause repeatedly."""

from __future__ import annotations

import os
from typing import Any

from zlinkcompat._runtime import log_queue
from zlinkcompat._runtime.clock import monotonic_ns

#: Seconds between two records of one kind.
INTERVAL = 60.0

#: The number of kinds that are counted at the same time. A further kind replaces the oldest one.
KINDS = 64


class Kind:
    """What is known of the records of one kind."""

    def __init__(self, now: int) -> None:
        self.written_at = now  # ns
        self.suppressed = 0  # since then
        self.text = ""  # of the first of those
        self.log = None


class LogLimiter:
    """Decides which of many similar records are written.

    The first record of a kind is written at once. Further ones are only counted until the interval
    is over. Then one of them is written together with their number.

    Any thread may call it. It does not take a lock, because a logging call may switch threads or
    greenlets. So two concurrent threads may write one record more.

    Parameters
    ----------
    interval : float or None, seconds
        The time between two records of one kind; None is :data:`INTERVAL`.
    """

    def __init__(self, interval: float | None = None) -> None:
        self.interval = int((INTERVAL if interval is None else interval) * 1e9)
        self.kinds: dict[Any, Any] = {}  # what the record is about -> Kind
        # The process that waits for the end of an interval. A forked child does not.
        self.waits_in = 0

    def warn(self, log: Any, about: Any, text: str, *args: Any, otherwise: Any = None) -> None:
        """Log at WARNING, unless a record of this kind was written within the interval.

        Parameters
        ----------
        log : zlinkcompat._runtime.log_queue.Log
            Where to write.
        about : tuple
            What the record is about. It must not contain text from the peer, which can vary.
        text : str
            The format of the record for ``args``.
        otherwise : int or None
            The level at which a record is written that is not written at WARNING.
        """
        more = self.admit(*about)
        if more is not None:
            form = f"{text}%s"
            log.log(log_queue.WARNING, form, *args, more)
            return
        if otherwise is not None:
            log.log(otherwise, text, *args)
        kind = self.kinds.get(about)
        if kind is not None and kind.log is None and log.is_enabled_for(log_queue.WARNING):
            # As text, because an exception among args would keep the connection in memory.
            kind.text = text % args
            kind.log = log
            self.wait(kind.written_at + self.interval - monotonic_ns())

    def admit(self, *about: Any) -> str | None:
        """Decide whether to write a record, without writing it or its summary.

        Parameters
        ----------
        *about
            As for :meth:`warn`.

        Returns
        -------
        str or None
            None: do not write the record. Otherwise the text to append to it: ``""``, or the number
            of suppressed records.
        """
        now = monotonic_ns()
        kind = self.kinds.get(about)
        if kind is not None and now - kind.written_at < self.interval:
            kind.suppressed += 1
            return None
        if kind is None and len(self.kinds) >= KINDS:
            self.forget_oldest()
        # Insert at the end: the dict is ordered by the time of the last written record.
        self.kinds.pop(about, None)
        self.kinds[about] = Kind(now)
        return "" if kind is None else summary(kind, now)

    def wait(self, left: Any) -> None:
        """Write the summaries in ``left`` ns, unless that is arranged already."""
        if self.waits_in != os.getpid():
            self.waits_in = os.getpid()
            log_queue.call_later(max(left, 0) / 1e9, self.summarize)

    def summarize(self) -> None:
        """Write a record for each kind whose interval is over and has suppressed records."""
        if self.waits_in != os.getpid():
            return  # in a forked child: the records were the parent's
        self.waits_in = 0
        now = monotonic_ns()
        left = None
        for about, kind in list(self.kinds.items()):
            if kind.log is None:
                continue
            remaining = kind.written_at + self.interval - now
            if remaining > 0:
                left = remaining if left is None else min(left, remaining)
                continue
            self.kinds.pop(about, None)
            self.kinds[about] = Kind(now)
            kind.log.warning("%s%s", kind.text, summary(kind, now))
        if left is not None:
            self.wait(left)

    def forget_oldest(self) -> None:
        """Make room for one more kind."""
        try:
            self.kinds.pop(next(iter(self.kinds)), None)
        except (RuntimeError, StopIteration):
            pass  # another thread has just done it


def summary(kind: Any, now: int) -> Any:
    """Return what to append to a record of ``kind`` about the suppressed ones."""
    if not kind.suppressed:
        return ""
    return f" ({kind.suppressed} more in the last {(now - kind.written_at) / 1e9:.0f} s)"

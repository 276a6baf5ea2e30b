"""A limit for log records that a peer can cause again and again."""

from zlinkcompat._runtime.clock import monotonic_ns

#: Seconds between two records of one kind.
INTERVAL = 60.0

#: Kinds that are counted at the same time; the oldest is forgotten for one more.
KINDS = 64


class LogLimiter:
    """Decides which of many similar records are written.

    The first record of a kind is written at once. Further ones are only counted until the interval
    is over; the next one after that is written with their number.

    Any thread may call. Without a lock, since a logging call may switch threads or greenlets: two
    threads at the same time may write one record more.

    Parameters
    ----------
    interval : float, seconds
        Between two records of one kind.
    """

    def __init__(self, interval=INTERVAL):
        self.interval = int(interval * 1e9)
        self.kinds = {}  # kind -> [when the last one was written (ns), how many were not since]

    def admit(self, *kind):
        """Ask whether to write a record.

        Parameters
        ----------
        *kind
            What the record is about. Not a text of the peer's, which could be another each time.

        Returns
        -------
        str or None
            None: do not write it. Otherwise what to append to its text: ``""``, or the number of
            those that were not written.
        """
        now = monotonic_ns()
        entry = self.kinds.get(kind)
        if entry is not None and now - entry[0] < self.interval:
            entry[1] += 1
            return None
        if entry is None and len(self.kinds) >= KINDS:
            self.forget_oldest()
        # At the end of the dict, which is in the order of the last records.
        self.kinds.pop(kind, None)
        self.kinds[kind] = [now, 0]
        if entry is None or not entry[1]:
            return ""
        return f" ({entry[1]} more in the last {(now - entry[0]) / 1e9:.0f} s)"

    def forget_oldest(self):
        """Make room for one more kind."""
        try:
            self.kinds.pop(next(iter(self.kinds)), None)
        except (RuntimeError, StopIteration):
            pass  # another thread just did so

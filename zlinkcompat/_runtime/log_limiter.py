"""A limit for log records that a peer can cause repeatedly."""

from zlinkcompat._runtime.clock import monotonic_ns

#: Seconds between two records of one kind.
INTERVAL = 60.0

#: The number of kinds that are counted at the same time. A further kind replaces the oldest one.
KINDS = 64


class LogLimiter:
    """Decides which of many similar records are written.

    The first record of a kind is written at once. Further ones are only counted until the interval
    is over; the next record after that is written together with their number.

    Any thread may call it. It does not take a lock, because a logging call may switch threads or
    greenlets. So two concurrent threads may write one record more.

    Parameters
    ----------
    interval : float, seconds
        The time between two records of one kind.
    """

    def __init__(self, interval=INTERVAL):
        self.interval = int(interval * 1e9)
        self.kinds = {}  # kind -> [time of the last written record (ns), number suppressed since]

    def admit(self, *kind):
        """Decide whether to write a record.

        Parameters
        ----------
        *kind
            What the record is about. It must not contain text from the peer, which can vary.

        Returns
        -------
        str or None
            None: do not write the record. Otherwise the text to append to it: ``""``, or the number
            of suppressed records.
        """
        now = monotonic_ns()
        entry = self.kinds.get(kind)
        if entry is not None and now - entry[0] < self.interval:
            entry[1] += 1
            return None
        if entry is None and len(self.kinds) >= KINDS:
            self.forget_oldest()
        # Insert at the end: the dict is ordered by the time of the last written record.
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
            pass  # another thread has just done it

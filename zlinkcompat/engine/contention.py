"""Notices that other work wants the CPUs, so that receivers sleep instead of busy polling.

A thread that polls never sleeps, so on a contended CPU the scheduler takes the CPU from it when its
fair share is used up, and gives it back some milliseconds later, although the message came
meanwhile. A thread that sleeps is run soon after the message wakes it. It also leaves the CPU to
the peer that is to send the message.
"""

try:
    from resource import RUSAGE_SELF, getrusage
except ImportError:  # Windows
    getrusage = None

#: Between two reads of a poll loop, in nanoseconds. A thread that runs takes a few thousand, or up
#: to a million while it receives a large message.
GAP = 500_000
#: How long nobody polls after the CPU was lost, in nanoseconds: doubled each time that it is lost
#: again soon after such a pause.
FIRST_PAUSE = 250_000_000
LONGEST_PAUSE = 4_000_000_000


class CpuContention:
    """What the process knows of other work on its CPUs. Any thread may use it: a lost update
    makes a pause shorter or longer, and does no harm.

    Attributes
    ----------
    gap : int, nanoseconds
        ``GAP``.
    paused_until : int, nanoseconds of the monotonic clock
        Until then nobody polls.
    """

    def __init__(self):
        self.gap = GAP
        self.paused_until = 0
        self.pause = FIRST_PAUSE
        self.switches = 0

    def poll_time(self, tuning, now):
        """Return for how many nanoseconds a receiver may poll now.

        ``BUSY_POLL`` -1 polls only where nobody else wants the CPU. A value above 0 was chosen by
        the user, and holds in any case.
        """
        if tuning.adaptive_poll and now < self.paused_until:
            return 0
        return tuning.spin_time

    def check_gap(self, previous, now):
        """Tell whether other work had the CPU between two reads of a poll loop."""
        if now - previous < self.gap or not self.was_switched():
            return False
        # What happened long before says nothing about now.
        if now - self.paused_until > 4 * self.pause:
            self.pause = FIRST_PAUSE
        else:
            self.pause = min(2 * self.pause, LONGEST_PAUSE)
        self.paused_until = now + self.pause
        return True

    def was_switched(self):
        """Tell whether the kernel has taken the CPU from a thread of this process since last
        asked. True where it does not say so."""
        if getrusage is None:
            return True
        before = self.switches
        self.switches = getrusage(RUSAGE_SELF).ru_nivcsw
        return self.switches != before


#: The process's.
contention = CpuContention()

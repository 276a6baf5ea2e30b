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
#: A message that comes within this time after polling has ended is prompt, in nanoseconds: about
#: twice what it takes to wake the peer and then the receiver.
PROMPT = 100_000
#: So many of them in a row are no chance.
PROMPT_LIMIT = 3
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
    prompt_arrivals : int
        Messages in a row that came right after polling for them had ended.
    """

    def __init__(self):
        self.gap = GAP
        self.paused_until = 0
        self.pause = FIRST_PAUSE
        self.switches = 0
        self.prompt_arrivals = 0

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
        self.pause_polling(now)
        return True

    def note_sleep(self, missed, now):
        """A message came ``now`` to a receiver whose polling had ended without one at ``missed``.

        If that is prompt time and again, the peer was waiting for the CPU on which the receiver
        polled, or answers just too late for polling to help.
        """
        if now - missed >= PROMPT:
            self.prompt_arrivals = 0
            return
        self.prompt_arrivals += 1
        if self.prompt_arrivals >= PROMPT_LIMIT:
            self.pause_polling(now)

    def pause_polling(self, now):
        self.prompt_arrivals = 0
        # What happened long before says nothing about now.
        if now - self.paused_until > 4 * self.pause:
            self.pause = FIRST_PAUSE
        else:
            self.pause = min(2 * self.pause, LONGEST_PAUSE)
        self.paused_until = now + self.pause

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

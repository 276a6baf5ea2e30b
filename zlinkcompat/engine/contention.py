"""Detects that other work needs the CPUs, so that receivers sleep instead of busy polling.

A thread that polls never sleeps. On a contended CPU the scheduler preempts it when its fair share
is used up, and runs it again some milliseconds later, even if the message arrives earlier. A thread
that sleeps runs soon after the message wakes it. It also leaves the CPU to the peer that must send
the message.
"""

try:
    from resource import RUSAGE_SELF, getrusage
except ImportError:  # Windows
    getrusage = None

#: A time between two reads of a poll loop that shows preemption, in nanoseconds. A running thread
#: takes a few thousand, or up to a million while it receives a large message.
GAP = 500_000
#: A message that arrives within this time after polling has ended is prompt, in nanoseconds. It is
#: about twice the time for waking the peer and then the receiver.
PROMPT = 100_000
#: The number of prompt messages in a row that is not a coincidence.
PROMPT_LIMIT = 3
#: How long busy polling pauses after the CPU was lost, in nanoseconds. The pause doubles each time
#: that the CPU is lost again soon after a pause.
FIRST_PAUSE = 250_000_000
LONGEST_PAUSE = 4_000_000_000


class CpuContention:
    """The state of CPU contention in this process. Any thread may use it: a lost update only makes
    a pause shorter or longer.

    Attributes
    ----------
    gap : int, nanoseconds
        The value of ``GAP``.
    paused_until : int, nanoseconds of the monotonic clock
        Busy polling pauses until then.
    prompt_arrivals : int
        The number of messages in a row that arrived right after polling had ended.
    """

    def __init__(self):
        self.gap = GAP
        self.paused_until = 0
        self.pause = FIRST_PAUSE
        self.switches = 0
        self.prompt_arrivals = 0

    def poll_time(self, tuning, now):
        """Return for how many nanoseconds a receiver may poll now.

        ``BUSY_POLL`` -1 polls only if no other work needs the CPU. The user has chosen a value
        above 0, which always applies.
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
        """Note that a message arrived at ``now``, after polling had ended in vain at ``missed``.

        If messages are prompt repeatedly, the peer was waiting for the CPU on which the receiver
        polled, or replies just too late for polling to help.
        """
        if now - missed >= PROMPT:
            self.prompt_arrivals = 0
            return
        self.prompt_arrivals += 1
        if self.prompt_arrivals >= PROMPT_LIMIT:
            self.pause_polling(now)

    def pause_polling(self, now):
        self.prompt_arrivals = 0
        # An earlier pause that ended long ago says nothing about now.
        if now - self.paused_until > 4 * self.pause:
            self.pause = FIRST_PAUSE
        else:
            self.pause = min(2 * self.pause, LONGEST_PAUSE)
        self.paused_until = now + self.pause

    def was_switched(self):
        """Tell whether the kernel has preempted a thread of this process since the last call. True
        if the system does not tell."""
        if getrusage is None:
            return True
        before = self.switches
        self.switches = getrusage(RUSAGE_SELF).ru_nivcsw
        return self.switches != before


#: The contention state of this process.
contention = CpuContention()

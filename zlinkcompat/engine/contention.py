"""Detects that busy polling delays the messages that it waits for, so that receivers sleep instead.

On a crowded machine, a receiver often shares its CPU with the peer that must send the message. That
peer cannot run while the receiver polls, and the message arrives as soon as the receiver sleeps.
"""

#: A message that arrives within this time after polling has ended is prompt, in nanoseconds. It is
#: about twice the time for waking the peer and then the receiver.
PROMPT = 100_000
#: The number of prompt messages in a row that is not a coincidence.
PROMPT_LIMIT = 3
#: How long busy polling then pauses, in nanoseconds. The pause doubles each time that it happens
#: again soon after a pause.
FIRST_PAUSE = 250_000_000
LONGEST_PAUSE = 4_000_000_000


class CpuContention:
    """The state of CPU contention in this process. Any thread may use it: a lost update only makes
    a pause shorter or longer.

    Attributes
    ----------
    paused_until : int, nanoseconds of the monotonic clock
        Busy polling pauses until then.
    prompt_arrivals : int
        The number of messages in a row that arrived right after polling had ended.
    """

    def __init__(self):
        self.paused_until = 0
        self.pause = FIRST_PAUSE
        self.prompt_arrivals = 0

    def poll_time(self, tuning, now):
        """Return for how many nanoseconds a receiver may poll now.

        ``BUSY_POLL`` -1 polls only if that does not delay the peer. The user has chosen a value
        above 0, which always applies.
        """
        if tuning.adaptive_poll and now < self.paused_until:
            return 0
        return tuning.spin_time

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


#: The contention state of this process.
contention = CpuContention()

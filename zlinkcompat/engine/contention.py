"""Detects that busy polling delays the very messages for which it waits. Receivers then sleep.

On a crowded machine, a receiver often shares its CPU with the peer that must send the message. The
peer cannot run while the receiver polls, so the message arrives only once the receiver sleeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zlinkcompat.tuning import Tuning


#: A message is *prompt* if it arrives within this many nanoseconds after polling has ended. That is
#: about twice the time that waking the peer and then the receiver takes.
PROMPT = 100_000
#: This many prompt messages in a row are not a coincidence.
PROMPT_LIMIT = 3
#: After them, busy polling pauses for this many nanoseconds. If prompt messages come again soon
#: after a pause, the next pause is twice as long.
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

    def __init__(self) -> None:
        self.paused_until = 0
        self.pause = FIRST_PAUSE
        self.prompt_arrivals = 0

    def poll_time(self, tuning: Tuning, now: int) -> int:
        """Return for how many nanoseconds a receiver may poll now.

        With ``BUSY_POLL`` -1, receivers poll only if that does not delay the peer. A value above 0
        was chosen by the user and always applies.
        """
        if tuning.adaptive_poll and now < self.paused_until:
            return 0
        return tuning.spin_time

    def note_sleep(self, missed: int, now: int) -> None:
        """Record that a message arrived at ``now``, after polling had ended at ``missed``.

        If messages are prompt repeatedly, either the peer was waiting for the CPU on which the
        receiver polled, or its replies come just too late for polling to help.
        """
        if now - missed >= PROMPT:
            self.prompt_arrivals = 0
            return
        self.prompt_arrivals += 1
        if self.prompt_arrivals >= PROMPT_LIMIT:
            self.pause_polling(now)

    def pause_polling(self, now: int) -> None:
        self.prompt_arrivals = 0
        # A pause that ended long ago does not count as an earlier one.
        if now - self.paused_until > 4 * self.pause:
            self.pause = FIRST_PAUSE
        else:
            self.pause = min(2 * self.pause, LONGEST_PAUSE)
        self.paused_until = now + self.pause


#: The contention state of this process.
contention = CpuContention()

"""Mailboxes: commands from one thread for objects that another thread owns.

A command is a call that the owner makes later, in the order of posting. Commands are rare. Messages
go through pipes, and a command only reports that a pipe has messages again, or room again.

Source: libzmq ``src/mailbox.hpp``, ``src/command.hpp``.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Mailbox:
    """Commands for one owner. Any thread may post, and the owner processes them.

    Attributes
    ----------
    pending : bool
        Whether there may be commands; this is cheap to check on the message path.
    """

    def __init__(self) -> None:
        self.commands: deque[tuple[Any, ...]] = deque()
        self.pending = False

    def post(self, function: Callable[..., Any], args: tuple[Any, ...] = ()) -> None:
        """Have the owner call ``function(*args)``."""
        # To avoid a lost wake-up, publish the command before waking the owner. The owner announces
        # that it sleeps and then checks ``pending`` again.
        self.commands.append((function, args))
        self.pending = True
        self.alert()

    def alert(self) -> None:
        """Wake the owner if it sleeps."""

    def process(self) -> None:
        """Run the posted commands, in the owner's thread. Calls may be nested."""
        self.pending = False
        commands = self.commands
        try:
            while commands:
                function, args = commands.popleft()
                function(*args)
        finally:
            if commands:
                self.pending = True

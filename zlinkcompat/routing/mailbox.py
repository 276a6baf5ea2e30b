"""Mailboxes: what one thread asks of things that another one owns.

A command is a call, made later by the owner, in the order in which they were posted. They are rare:
messages go through pipes, and a command only says that there are some again, or room again.

Source: libzmq ``src/mailbox.hpp``, ``src/command.hpp``.
"""

from collections import deque


class Mailbox:
    """Commands for one owner. Any thread posts, the owner processes.

    Attributes
    ----------
    pending : bool
        There may be commands: cheap to ask on the message path.
    """

    def __init__(self):
        self.commands = deque()
        self.pending = False

    def post(self, function, args=()):
        """Have the owner call ``function(*args)``."""
        # Published first; then who sleeps is woken. The owner looks after it announced its sleep.
        self.commands.append((function, args))
        self.pending = True
        self.alert()

    def alert(self):
        """Wake the owner, if it sleeps."""

    def process(self):
        """Do what was asked, in the owner's thread. Calls of it may be nested."""
        self.pending = False
        commands = self.commands
        try:
            while commands:
                function, args = commands.popleft()
                function(*args)
        finally:
            if commands:
                self.pending = True

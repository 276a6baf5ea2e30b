"""Taking turns: what fair queueing and load balancing share.

Source: libzmq ``src/array.hpp``, as ``fq.cpp`` and ``lb.cpp`` use it.
"""


class ActivePipes:
    """Pipes, of which ``pipes[:active]`` may be of use; ``current`` is whose turn it is.

    Attributes
    ----------
    last : Pipe or None
        Whose turn it was last.
    """

    def __init__(self):
        self.pipes = []
        self.slots = {}
        self.active = 0
        self.current = 0
        self.last = None

    def add(self, pipe):
        """Take a pipe, not active yet."""
        self.slots[pipe] = len(self.pipes)
        self.pipes.append(pipe)

    def detach(self, pipe):
        """Forget a pipe, if it is here."""
        if pipe not in self.slots:
            return
        slot = self.slots[pipe]
        if slot < self.active:
            self.passivate(slot)
            slot = self.active
        self.swap(slot, len(self.pipes) - 1)
        self.pipes.pop()
        del self.slots[pipe]
        if self.last is pipe:
            self.last = None

    def activated(self, pipe):
        """``pipe``, if it is here, is of use again: it has messages, or room."""
        slot = self.slots.get(pipe, -1)
        if slot >= self.active:
            self.swap(slot, self.active)
            self.active += 1

    def passivate(self, slot):
        self.active -= 1
        self.swap(slot, self.active)
        if self.current >= self.active:
            self.current = 0

    def swap(self, a, b):
        if a != b:
            pipe = self.pipes[a]
            other = self.pipes[b]
            self.pipes[a] = other
            self.pipes[b] = pipe
            self.slots[other] = a
            self.slots[pipe] = b

"""Fair queueing: receive from all pipes that have something, in turn.

Source: libzmq ``src/fq.cpp``; RFC 28 and 30.
"""


class FairQueue:
    """The inbound pipes of a pattern.

    ``pipes[:active]`` may have messages; ``current`` is whose turn it is.

    Parameters
    ----------
    pattern : Pattern
        Its ``drained`` is called for a pipe whose peer is gone and that was read to its end.
    """

    def __init__(self, pattern):
        self.pattern = pattern
        self.pipes = []
        self.active = 0
        self.current = 0
        self.last = None

    def attach(self, pipe):
        pipe.in_slot = len(self.pipes)
        self.pipes.append(pipe)
        if pipe.check_read():
            self.activated(pipe)

    def detach(self, pipe):
        slot = pipe.in_slot
        if slot < 0:
            return
        if slot < self.active:
            self.passivate(slot)
            slot = self.active
        self.swap(slot, len(self.pipes) - 1)
        self.pipes.pop()
        pipe.in_slot = -1
        if self.last is pipe:
            self.last = None

    def activated(self, pipe):
        """``pipe`` has messages again."""
        if pipe.in_slot >= self.active:
            self.swap(pipe.in_slot, self.active)
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
            other.in_slot = a
            pipe.in_slot = b

    def read(self):
        """The next message, from :attr:`last` then; None if there is none."""
        while self.active > 0:
            pipe = self.pipes[self.current]
            message = pipe.read()
            if message is not None:
                self.last = pipe
                self.current += 1
                if self.current >= self.active:
                    self.current = 0
                return message
            self.passivate(self.current)
            if pipe.peer_closed:
                self.pattern.drained(pipe)
        return None

    def has_in(self):
        """Tell whether :meth:`read` would return a message."""
        while self.active > 0:
            pipe = self.pipes[self.current]
            if pipe.check_read():
                return True
            self.passivate(self.current)
            if pipe.peer_closed:
                self.pattern.drained(pipe)
        return False

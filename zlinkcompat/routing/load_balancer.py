"""Load balancing: send to all pipes that have room, in turn.

Source: libzmq ``src/lb.cpp``; RFC 28 and 30.
"""


class LoadBalancer:
    """The outbound pipes of a pattern.

    ``pipes[:active]`` may have room; ``current`` is whose turn it is.
    """

    def __init__(self):
        self.pipes = []
        self.active = 0
        self.current = 0
        self.last = None

    def attach(self, pipe):
        pipe.out_slot = len(self.pipes)
        self.pipes.append(pipe)
        self.activated(pipe)

    def detach(self, pipe):
        slot = pipe.out_slot
        if slot < 0:
            return
        if slot < self.active:
            self.passivate(slot)
            slot = self.active
        self.swap(slot, len(self.pipes) - 1)
        self.pipes.pop()
        pipe.out_slot = -1
        if self.last is pipe:
            self.last = None

    def activated(self, pipe):
        """``pipe`` has room again."""
        if pipe.out_slot >= self.active:
            self.swap(pipe.out_slot, self.active)
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
            other.out_slot = a
            pipe.out_slot = b

    def write(self, message):
        """Send ``message`` to the next pipe with room, :attr:`last` then; False if none has."""
        while self.active > 0:
            pipe = self.pipes[self.current]
            if pipe.write(message):
                self.last = pipe
                self.current += 1
                if self.current >= self.active:
                    self.current = 0
                pipe.flush()
                return True
            self.passivate(self.current)
        return False

    def has_out(self):
        """Tell whether :meth:`write` would accept a message."""
        while self.active > 0:
            pipe = self.pipes[self.current]
            if pipe.check_write():
                return True
            self.passivate(self.current)
        return False

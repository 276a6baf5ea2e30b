"""Round-robin over pipes, the common base of fair queueing and load balancing.

Source: libzmq ``src/array.hpp``, as ``fq.cpp`` and ``lb.cpp`` use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zlinkcompat.routing.pipe import Pipe


class ActivePipes:
    """A list of pipes, of which ``pipes[:active]`` may be ready. ``pipes[current]`` is next.

    Attributes
    ----------
    last : Pipe or None
        The pipe that was used last.
    """

    def __init__(self) -> None:
        self.pipes: list[Any] = []
        self.slots: dict[Any, Any] = {}
        self.active = 0
        self.current = 0
        self.last: Pipe = None

    def add(self, pipe: Pipe) -> None:
        """Add a pipe, which is not active yet."""
        self.slots[pipe] = len(self.pipes)
        self.pipes.append(pipe)

    def detach(self, pipe: Pipe) -> None:
        """Remove a pipe if it is in the list."""
        if pipe not in self.slots:
            return
        slot = self.slots[pipe]
        if slot < self.active:
            self.passivate(slot)
            slot = self.active
        if slot != len(self.pipes) - 1:
            self.swap(slot, len(self.pipes) - 1)
        self.pipes.pop()
        del self.slots[pipe]
        if self.last is pipe:
            self.last = None

    def activated(self, pipe: Pipe) -> None:
        """Mark ``pipe`` as active, because it has messages or room again.

        Ignore an unknown pipe."""
        slot = self.slots.get(pipe, -1)
        if slot >= self.active:
            if slot != self.active:
                self.swap(slot, self.active)
            self.active += 1

    def passivate(self, slot: int) -> None:
        self.active -= 1
        if slot != self.active:
            self.swap(slot, self.active)
        if self.current >= self.active:
            self.current = 0

    def swap(self, a: int, b: int) -> None:
        pipe = self.pipes[a]
        other = self.pipes[b]
        self.pipes[a] = other
        self.pipes[b] = pipe
        self.slots[other] = a
        self.slots[pipe] = b

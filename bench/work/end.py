"""One end of a case: its sockets, its clock, its costs, and its messages to other ends."""

import resource
import sys
from time import perf_counter

POLL = 0.001  # seconds between two checks for a message


class End:
    """The parameters of a role, and the functions that it uses.

    Parameters
    ----------
    adapter : bench.adapters.base.Adapter
    case : bench.cases.Case
    role : str
    channel : bench.channel.Channel
    seconds : float
        How long to send.
    addresses : dict of str
        The address to bind for each name of an endpoint.
    counted : bool
        Whether to wait after the warm-up until a counter of system calls has attached.
    slowdown : float
        The share of the sending time to waste, from 0 to 1: a hook for tests.
    """

    def __init__(self, adapter, case, role, channel, seconds, addresses, counted, slowdown):
        self.adapter = adapter
        self.case = case
        self.role = role
        self.channel = channel
        self.seconds = seconds
        self.addresses = addresses
        self.counted = counted
        self.slowdown = slowdown
        self.sleep = adapter.waiting.sleep
        self.announce = channel.send
        self.has_received = channel.has_received
        self.before = None

    async def wait_for(self, name):
        """Wait for the message ``name`` from another end or from the run; return its value."""
        while not self.channel.has_received(name):
            await self.sleep(POLL)
        return self.channel.received[name]

    def bound(self, which, name="endpoint"):
        """Return a bound socket of the sending (0) or receiving (1) type, and its endpoint."""
        socket = self.adapter.socket(self.case, which)
        return socket, self.adapter.bind(socket, self.addresses[name])

    def connected(self, which, endpoint):
        socket = self.adapter.socket(self.case, which)
        self.adapter.connect(socket, endpoint)
        return socket

    def close(self, socket):
        self.adapter.close(socket)

    def sender(self, socket):
        return self.adapter.sender(socket, self.case)

    def receiver(self, socket, which=1):
        return self.adapter.receiver(socket, self.case, which)

    def payload(self):
        return bytes(self.case.message_size)

    def beside(self, function, *args):
        self.adapter.waiting.beside(function, *args)

    async def measured(self):
        """Mark the end of the warm-up: costs are counted from here to the call of :meth:`cost`."""
        if self.counted:
            self.announce(**{f"warm {self.role}": True})
            await self.wait_for("go")
        self.before = resource.getrusage(resource.RUSAGE_SELF)

    def cost(self):
        """Return the CPU seconds since :meth:`measured`, and the peak memory in bytes."""
        now = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "user": now.ru_utime - self.before.ru_utime,
            "system": now.ru_stime - self.before.ru_stime,
            "peak": now.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        }

    def slowed(self, since):
        """Waste ``slowdown`` of the time since ``since``; return the current time."""
        now = perf_counter()
        if self.slowdown:
            until = now + (now - since) * self.slowdown / (1 - self.slowdown)
            while now < until:
                now = perf_counter()
        return now

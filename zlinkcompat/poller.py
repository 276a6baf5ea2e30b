"""Poller and select of the swapped import."""

import zmq
from zmq.constants import PollEvent

from zlinkcompat.poll import zmq_poll


class Poller(zmq.Poller):
    """Polls sockets, descriptors and objects with ``fileno()``: pyzmq's Poller on our poll."""

    def poll(self, timeout=None):
        """Wait for events.

        Parameters
        ----------
        timeout : int or float, milliseconds
            None or negative waits for ever.

        Returns
        -------
        list of (Socket or int, int)
        """
        return zmq_poll(self.sockets, -1 if timeout is None or timeout < 0 else int(timeout))


def select(rlist, wlist, xlist, timeout=None):
    """``select.select`` for sockets too; ``timeout`` in seconds, None waits for ever."""
    wanted = {}
    for things, event in ((rlist, PollEvent.POLLIN), (wlist, PollEvent.POLLOUT),
                          (xlist, PollEvent.POLLERR)):
        for thing in things:
            wanted[thing] = wanted.get(thing, 0) | event
    milliseconds = -1 if timeout is None or timeout < 0 else int(timeout * 1000)
    ready = zmq_poll(list(wanted.items()), milliseconds)
    return tuple([thing for thing, events in ready if events & event]
                 for event in (PollEvent.POLLIN, PollEvent.POLLOUT, PollEvent.POLLERR))

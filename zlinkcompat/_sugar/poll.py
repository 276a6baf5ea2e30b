"""Poller and select of the swapped import."""

from __future__ import annotations

from typing import Any

import zmq
from zmq.constants import PollEvent

from zlinkcompat._backend.poll import zmq_poll


class Poller(zmq.Poller):
    """Polls sockets, descriptors and objects with ``fileno()``.

    ``register``, ``modify`` and ``unregister`` are pyzmq's own.

    .. versionadded:: 0.1

    Examples
    --------
    >>> import zlinkcompat as zmq
    >>> with zmq.Context() as context, context.socket(zmq.PAIR) as one:
    ...     poller = zmq.Poller()
    ...     poller.register(one, zmq.POLLIN)
    ...     poller.poll(5)  # milliseconds
    []
    """

    def poll(self, timeout: float | None = None) -> list[tuple[Any, int]]:
        """Wait for events.

        Parameters
        ----------
        timeout : int or float, milliseconds
            None or a negative value means no limit. Fractions of a millisecond are cut off.

        Returns
        -------
        list of (Socket or int, int)
            The ready objects and their events (POLLIN, POLLOUT, ...); empty after ``timeout``.

        Raises
        ------
        ZMQError
            ENOTSOCK: a socket is closed. ETERM: its context was terminated.

        Notes
        -----
        libzmq's ``zmq_poll(3)``.
        """
        return zmq_poll(self.sockets, -1 if timeout is None or timeout < 0 else int(timeout))


def select(
    rlist: list[Any], wlist: list[Any], xlist: list[Any], timeout: float | None = None
) -> tuple[list[Any], ...]:
    """Do what ``select.select`` does, for sockets as well.

    .. versionadded:: 0.1

    Parameters
    ----------
    rlist, wlist, xlist : list of Socket, int or object with fileno()
        The objects whose input, output and errors to wait for.
    timeout : float, seconds
        None or a negative value means no limit.

    Returns
    -------
    tuple of three lists
        The ready objects of each list. An object with ``fileno()`` is returned as its descriptor.

    Raises
    ------
    ZMQError
        ENOTSOCK: a socket is closed. ETERM: its context was terminated.

    Notes
    -----
    pyzmq's ``zmq.select``, implemented by libzmq's ``zmq_poll(3)``.
    """
    wanted: dict[Any, int] = {}
    for things, event in (
        (rlist, PollEvent.POLLIN),
        (wlist, PollEvent.POLLOUT),
        (xlist, PollEvent.POLLERR),
    ):
        for thing in things:
            wanted[thing] = wanted.get(thing, 0) | event
    milliseconds = -1 if timeout is None or timeout < 0 else int(timeout * 1000)
    ready = zmq_poll(list(wanted.items()), milliseconds)
    return tuple(
        [thing for thing, events in ready if events & event]
        for event in (PollEvent.POLLIN, PollEvent.POLLOUT, PollEvent.POLLERR)
    )

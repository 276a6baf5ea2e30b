"""Polling sockets and file descriptors together."""

import select

from gevent import get_hub, monkey

from zlinkcompat.clock import monotonic_ns
from zlinkcompat.core.socket import SocketBase
from zlinkcompat.engine.hub import engine_here
from zlinkcompat.engine.waker import HubWaker

POLLIN = 1
POLLOUT = 2
POLLERR = 4
POLLPRI = 8

#: What poll(2) calls them.
BITS = ((POLLIN, select.POLLIN), (POLLOUT, select.POLLOUT), (POLLPRI, select.POLLPRI))
KNOWN = select.POLLIN | select.POLLOUT | select.POLLPRI


def poll(items, timeout_ms):
    """Wait until something can be done with one of ``items``. Source: libzmq ``zmq_poll(3)``.

    Parameters
    ----------
    items : list of (SocketBase or int, int)
        A socket or file descriptor, and what to wait for: POLLIN (1), POLLOUT (2), and for
        descriptors POLLERR (4), POLLPRI (8).
    timeout_ms : int, milliseconds
        0 looks once, -1 waits for ever.

    Returns
    -------
    list of int
        What can be done, in the order of ``items``; all 0 when the time ran out.

    Raises
    ------
    ZMQError
        ENOTSOCK for a closed socket, ETERM, EBADF for a bad descriptor.
    """
    descriptors = [item for item in items if not isinstance(item[0], SocketBase)]
    results = look(items, descriptors)
    if any(results):
        return results
    if timeout_ms == 0:
        engine_here().breathe()
        return look(items, descriptors)
    deadline = monotonic_ns() + timeout_ms * 1000000
    loop = get_hub().loop
    while True:
        timeout = -1.0
        if timeout_ms > 0:
            timeout = (deadline - monotonic_ns()) / 1e9
            if timeout <= 0:
                return results
        waker = HubWaker()
        watchers = []
        watched = []
        try:
            for thing, _ in items:
                if isinstance(thing, SocketBase):
                    thing.watch(waker)
                    watched.append(thing)
            for fd, events in descriptors:
                if fd < 0:
                    continue
                mask = (1 if events & (POLLIN | POLLERR | POLLPRI) else 0) | (events & POLLOUT)
                watcher = loop.io(fd, mask)
                watcher.start(waker.wake)
                watchers.append(watcher)
            # Something may have come between the look and the watch: look again first.
            results = look(items, descriptors)
            if not any(results):
                waker.sleep(timeout)
        finally:
            for socket in watched:
                socket.unwatch(waker)
            for watcher in watchers:
                watcher.stop()
                watcher.close()
        if not any(results):
            results = look(items, descriptors)
        if any(results):
            return results


def look(items, descriptors):
    """The state of ``items`` now."""
    ready = look_at_descriptors(descriptors) if descriptors else {}
    results = []
    for thing, events in items:
        if isinstance(thing, SocketBase):
            results.append(thing.events(events))
        else:
            results.append(ready.get(thing, 0) & (events | POLLERR))
    return results


def look_at_descriptors(descriptors):
    # The real one: gevent's cooperative poll is in its place in a monkey-patched process.
    poller = monkey.get_original("select", "poll")()
    masks = {}
    for fd, events in descriptors:
        # A negative one is passed over, as poll(2) does.
        if fd >= 0:
            mask = masks.get(fd, 0)
            for event, bit in BITS:
                if events & event:
                    mask |= bit
            masks[fd] = mask
            poller.register(fd, mask)
    ready = {}
    for fd, mask in poller.poll(0):
        events = 0
        for event, bit in BITS:
            if mask & bit:
                events |= event
        if mask & ~KNOWN:
            # Hung up, in error, no descriptor at all.
            events |= POLLERR
        ready[fd] = events
    return ready

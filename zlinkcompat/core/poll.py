"""Polling of sockets and file descriptors together."""

from __future__ import annotations

import select
from typing import Any

from zlinkcompat._constants import POLLERR, POLLIN, POLLOUT, POLLPRI
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.gevent_support import get_hub, get_original
from zlinkcompat.core.notifier import Notifier
from zlinkcompat.core.socket import CoreSocket
from zlinkcompat.engine import interrupts
from zlinkcompat.engine.loop import current_loop
from zlinkcompat.engine.waker import HubWaker, LockWaker, Waker, waits_in_hub

#: Pairs of a ZeroMQ event and the corresponding bit of poll(2).
BITS = ((POLLIN, select.POLLIN), (POLLOUT, select.POLLOUT), (POLLPRI, select.POLLPRI))
KNOWN = select.POLLIN | select.POLLOUT | select.POLLPRI


def poll(items: Any, timeout_ms: int) -> list[int]:
    """Wait until at least one of ``items`` is ready. Source: libzmq ``zmq_poll(3)``.

    Parameters
    ----------
    items : list of (CoreSocket or int, int)
        A socket or file descriptor, and the events to wait for: POLLIN (1), POLLOUT (2), and for
        descriptors POLLERR (4) and POLLPRI (8).
    timeout_ms : int, milliseconds
        0 checks without waiting, and -1 waits without a limit.

    Returns
    -------
    list of int
        The ready events, in the order of ``items``; all 0 if the timeout expired.

    Raises
    ------
    ZMQError
        ENOTSOCK: a socket is closed. ETERM. EBADF: a descriptor is invalid.
    """
    descriptors = [item for item in items if not isinstance(item[0], CoreSocket)]
    results = look(items, descriptors)
    if any(results):
        return results
    in_hub = waits_in_hub() or any(
        isinstance(thing, CoreSocket) and thing.io_threads is None for thing, _ in items
    )
    if timeout_ms == 0:
        if not in_hub:
            return results
        current_loop().maybe_yield()
        return look(items, descriptors)
    deadline = monotonic_ns() + timeout_ms * 1000000
    sleeper: Any = InHub
    if not in_hub:
        sleeper = AtDescriptors if descriptors else OnLock
    while True:
        timeout = -1.0
        if timeout_ms > 0:
            timeout = (deadline - monotonic_ns()) / 1e9
            if timeout <= 0:
                return results
        asleep = sleeper(descriptors)
        watched = []
        try:
            for thing, _ in items:
                if isinstance(thing, CoreSocket):
                    thing.add_poller(asleep.waker)
                    watched.append(thing)
                    thing.enter_wait()
            # A message may have arrived between the first check and the watch, so check again.
            results = look(items, descriptors)
            if not any(results):
                asleep.sleep(timeout)
        finally:
            for socket in watched:
                socket.thread_check.leave_wait()
                socket.remove_poller(asleep.waker)
            asleep.close()
        if not any(results):
            results = look(items, descriptors)
        if any(results):
            return results


class InHub:
    """Sleeps in the hub of this thread."""

    def __init__(self, descriptors: list[tuple[int, int]]) -> None:
        self.waker = HubWaker()
        self.watchers = []
        hub = get_hub()
        loop = hub.loop
        try:
            for fd, events in descriptors:
                if fd < 0:
                    continue
                mask = (1 if events & (POLLIN | POLLERR | POLLPRI) else 0) | (events & POLLOUT)
                watcher = loop.io(fd, mask)
                self.watchers.append(watcher)
                watcher.start(interrupts.call_guarded, hub, self.waker.wake)
        except BaseException:
            # Stop the watchers: libev aborts the process if a watcher outlives its descriptor.
            self.close()
            raise

    def sleep(self, timeout: float) -> None:
        self.waker.sleep(timeout)

    def close(self) -> None:
        for watcher in self.watchers:
            watcher.stop()
            watcher.close()


class OnLock:
    """Blocks this native thread."""

    def __init__(self, descriptors: list[Any]) -> None:
        self.waker = LockWaker()

    def sleep(self, timeout: float) -> None:
        self.waker.sleep(timeout)

    def close(self) -> None:
        pass


class NotifierWaker(Waker):
    def __init__(self, notifier: Notifier) -> None:
        Waker.__init__(self)
        self.notifier = notifier

    def wake(self) -> None:
        self.notifier.signal()


class AtDescriptors:
    """Blocks this native thread in poll(2). Sockets wake it by an extra descriptor."""

    def __init__(self, descriptors: list[tuple[int, int]]) -> None:
        self.notifier = Notifier()
        self.waker = NotifierWaker(self.notifier)
        self.poller = make_poller(descriptors)
        self.poller.register(self.notifier.fd, select.POLLIN)

    def sleep(self, timeout: float) -> None:
        self.poller.poll(timeout * 1000 if timeout >= 0 else None)

    def close(self) -> None:
        self.notifier.close()


def look(
    items: list[tuple[CoreSocket | int, int]], descriptors: list[tuple[int, int]]
) -> list[int]:
    """Return the events of each of ``items`` that are ready now, without waiting."""
    ready = look_at_descriptors(descriptors) if descriptors else {}
    results = []
    for thing, events in items:
        if isinstance(thing, CoreSocket):
            results.append(thing.events(events))
        else:
            results.append(ready.get(thing, 0) & (events | POLLERR))
    return results


def make_poller(descriptors: list[tuple[int, int]]) -> Any:
    # Use the original poll. In a monkey-patched process select.poll is gevent's, which waits in the
    # hub.
    poller = get_original("select", "poll")()
    masks: dict[int, int] = {}
    for fd, events in descriptors:
        # Skip negative descriptors, as poll(2) does.
        if fd >= 0:
            mask = masks.get(fd, 0)
            for event, bit in BITS:
                if events & event:
                    mask |= bit
            masks[fd] = mask
            poller.register(fd, mask)
    return poller


def look_at_descriptors(descriptors: list[tuple[int, int]]) -> dict[int, int]:
    ready = {}
    for fd, mask in make_poller(descriptors).poll(0):
        events = 0
        for event, bit in BITS:
            if mask & bit:
                events |= event
        if mask & ~KNOWN:
            # poll(2) reported POLLHUP, POLLERR or POLLNVAL.
            events |= POLLERR
        ready[fd] = events
    return ready

"""Find out whether an event loop or an I/O thread serves the connections of a socket."""

import asyncio
import threading
from contextlib import contextmanager

from guard import GUARD


def pair(context, one, other, **options):
    a, b = context.socket(one), context.socket(other)
    for sock in (a, b):
        sock.rcvtimeo = sock.sndtimeo = GUARD * 1000
        for name, value in options.items():
            setattr(sock, name, value)
    a.bind("tcp://127.0.0.1:*")
    b.connect(a.last_endpoint)
    return a, b


def connections(sock):
    return [session.connection for session in sock.core.peers.sessions if session.connection]


async def until_served(*socks):
    """Wait until the running loop serves the connections of these sockets."""
    while not all(is_served(sock) for sock in socks):
        await asyncio.sleep(0.001)


def is_served(sock):
    poller = sock.core.loop_poller
    peers = connections(sock)
    return peers and poller is not None and all(peer.loan.poller is poller for peer in peers)


async def until_reclaimed(*socks):
    while any(each.loan.poller for sock in socks for each in connections(sock)):
        await asyncio.sleep(0.001)


@contextmanager
def io_threads_blocked(context):
    """Block the I/O threads of ``context`` during the ``with`` block."""
    done = threading.Event()
    blocked = []
    for thread in context.core.io_threads.threads:
        begun = threading.Event()
        blocked.append(begun)

        def block(begun=begun):
            begun.set()
            done.wait(GUARD)

        thread.loop.mailbox.post(block)
    for begun in blocked:
        assert begun.wait(GUARD)
    try:
        yield
    finally:
        done.set()

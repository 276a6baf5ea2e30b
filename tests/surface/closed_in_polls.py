"""Close a socket while it is registered with a poll: ``python closed_in_polls.py LIBRARY``.

The program prints the result of each way to poll. Its standard input has to be a pipe that stays
empty, since libzmq polls descriptor 0 instead of a closed socket.
"""

import asyncio
import importlib
import sys

zmq = importlib.import_module(sys.argv[1])
zmq_asyncio = importlib.import_module(sys.argv[1] + ".asyncio")


def pairs(context):
    """Return a socket for the caller to close, another socket that stays open, and its peer."""
    closed, live, peer = (context.socket(zmq.PAIR) for _ in range(3))
    live.bind("inproc://live")
    peer.connect("inproc://live")
    return closed, live, peer


def show(title, call):
    try:
        result = call()
    except (zmq.ZMQError, asyncio.CancelledError) as error:
        result = type(error).__name__, getattr(error, "errno", None)
    print(title, result)


def names(ready, live):
    """Return events with names for sockets: libzmq reports a closed socket as a number."""
    return [("live" if socket is live else "closed", int(events)) for socket, events in ready]


def poller_of(cls, *sockets):
    poller = cls()
    for socket in sockets:
        poller.register(socket, zmq.POLLIN)
    return poller


for timeout in (0, 20):
    for sends in (False, True):
        title = f"timeout {timeout}, {'ready' if sends else 'nothing ready'}:"
        context = zmq.Context()
        closed, live, peer = pairs(context)
        if sends:
            peer.send(b"message")
        before, after = poller_of(zmq.Poller, closed, live), poller_of(zmq.Poller, live, closed)
        alone = poller_of(zmq.Poller, closed)
        closed.close()
        show(f"{title} Poller", lambda: names(before.poll(timeout), live))
        show(f"{title} Poller, the other order", lambda: names(after.poll(timeout), live))
        show(f"{title} Poller, nothing else", lambda: names(alone.poll(timeout), live))
        show(
            f"{title} zmq_poll",
            lambda: names(
                zmq.zmq_poll([(closed, zmq.POLLIN | zmq.POLLOUT), (live, zmq.POLLIN)], timeout),
                live,
            ),
        )
        show(
            f"{title} select",
            lambda: [
                len(ready)
                for ready in zmq.select([closed, live], [closed], [closed], timeout / 1000)
            ],
        )
        show(f"{title} Socket.poll", lambda: closed.poll(timeout))
        show(f"{title} FD", lambda: closed.get(zmq.FD))
        show(f"{title} register", lambda: alone.register(closed, zmq.POLLOUT))
        show(f"{title} modify", lambda: alone.modify(closed, zmq.POLLIN))
        show(f"{title} unregister", lambda: alone.unregister(closed))
        context.destroy(linger=0)

        async def closed_before():
            with zmq_asyncio.Context() as context:
                closed, live, peer = pairs(context)
                if sends:
                    await peer.send(b"message")
                poller = poller_of(zmq_asyncio.Poller, closed, live)
                closed.close()
                try:
                    return names(await poller.poll(timeout), live)
                finally:
                    context.destroy(linger=0)

        show(f"{title} asyncio, closed before", lambda: asyncio.run(closed_before()))


async def closed_meanwhile():
    with zmq_asyncio.Context() as context:
        closed, live, _ = pairs(context)
        waiting = asyncio.ensure_future(poller_of(zmq_asyncio.Poller, closed, live).poll(10_000))
        await asyncio.sleep(0)  # let the loop run once, so that the poll begins
        closed.close()
        try:
            return names(await waiting, live)
        finally:
            context.destroy(linger=0)


show("asyncio, closed meanwhile", lambda: asyncio.run(closed_meanwhile()))

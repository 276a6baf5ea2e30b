"""One end sends as many messages as it can in a fixed time; the other counts and times them."""

from itertools import repeat
from time import perf_counter

END = b"end"
SYNC = b"sync"


async def sink(end):
    socket, endpoint = end.bound(1)
    end.announce(endpoint=endpoint)
    result = await drain(end, socket)
    end.close(socket)
    return result


async def source(end):
    socket = end.connected(0, await end.wait_for("endpoint"))
    result = await pour(end, socket)
    await end.wait_for("drained")
    end.close(socket)
    return result


async def pour(end, socket):
    """Send whole batches for the sending time of a round, and then ``END``."""
    send = end.sender(socket)
    payload = end.payload()
    batch = end.case.batch
    if end.case.subscribes:
        while not end.has_received("ready"):
            await send(SYNC)
            await end.sleep(0.001)
    for _ in repeat(None, end.case.warmup):
        await send(payload)
    await end.measured()
    sent = 0
    now = start = perf_counter()
    stop = start + end.seconds
    while now < stop:
        for _ in repeat(None, batch):
            await send(payload)
        sent += batch
        now = end.slowed(now)
    await send(END)
    return {"sent": sent, **end.cost()}


async def drain(end, socket):
    """Count and time the messages from the end of the warm-up to ``END``.

    Only the first and the last message of each batch are checked, because a check takes a fifth of
    the time of the fastest ``recv``. If a message is lost, the batches are shifted, so ``END``
    arrives at another place in a batch, and the round fails.
    """
    receive, body = end.receiver(socket)
    size = end.case.message_size
    batch = end.case.batch
    message = body(await receive())
    if end.case.subscribes:
        end.announce(ready=True)
        while message == SYNC:
            message = body(await receive())
    for _ in repeat(None, end.case.warmup - 1):
        await receive()
    await end.measured()
    message = body(await receive())
    start = perf_counter()
    count = 0
    while len(message) == size:
        for _ in repeat(None, batch - 2):
            await receive()
        last = body(await receive())
        if len(last) != size:
            raise AssertionError(f"message {count + batch} has {len(last)} bytes, not {size}")
        count += batch
        message = body(await receive())
    elapsed = perf_counter() - start
    if message != END:
        raise AssertionError(f"after {count} messages came one of {len(message)} bytes")
    end.announce(drained=True)
    # The first message arrives before the clock is read. ``END`` arrives within the time, so the
    # count is right.
    return {"received": count, "rate": count / elapsed, **end.cost()}

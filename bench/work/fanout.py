"""One PUB sends to several SUBs in one process. The rate counts deliveries."""

from itertools import repeat
from time import perf_counter

from ..cases import SUBSCRIBERS
from . import oneway


async def source(end):
    socket, endpoint = end.bound(0)
    end.announce(endpoint=endpoint)
    result = await oneway.pour(end, socket)
    await end.wait_for("drained")
    end.close(socket)
    return {**result, "sent": result["sent"] * SUBSCRIBERS}


async def sink(end):
    endpoint = await end.wait_for("endpoint")
    sockets = [end.connected(1, endpoint) for _ in range(SUBSCRIBERS)]
    result = await drain(end, [end.receiver(socket)[0] for socket in sockets])
    for socket in sockets:
        end.close(socket)
    return result


async def drain(end, receivers):
    """Receive batches; return the end's result.

    Each subscriber receives one batch in turn. So the subscribers are at most one batch apart, and
    none of them keeps the publisher from sending.
    """
    size = end.case.message_size
    batch = end.case.batch
    for receive in receivers:
        await receive()
    end.announce(ready=True)
    for receive in receivers:
        while await receive() == oneway.SYNC:
            pass
    for _ in repeat(None, end.case.warmup - 1):
        for receive in receivers:
            await receive()
    await end.measured()
    start = perf_counter()
    count = 0
    ended = []
    while not ended:
        for receive in receivers:
            message = await receive()
            if len(message) != size:
                ended.append(message)
                continue
            for _ in repeat(None, batch - 2):
                await receive()
            last = await receive()
            if ended or len(last) != size:
                raise AssertionError(f"after {count} messages came one of {len(last)} bytes")
            count += batch
    elapsed = perf_counter() - start
    if ended != [oneway.END] * len(receivers):
        raise AssertionError("a subscriber missed messages")
    end.announce(drained=True)
    return {"received": count, "rate": count / elapsed, **end.cost()}

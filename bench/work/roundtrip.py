"""Round trips between two ends. The end that sends the request times each of them."""

from itertools import repeat
from time import perf_counter_ns

END = b"end"


async def client(end):
    socket = end.connected(0, await end.wait_for("endpoint"))
    result = await ask(end, end.sender(socket), end.receiver(socket, 0)[0])
    await end.wait_for("answered")
    end.close(socket)
    return result


async def server(end):
    socket, endpoint = end.bound(1)
    end.announce(endpoint=endpoint)
    result = await answer(end, end.sender(socket), end.receiver(socket, 1)[0])
    end.close(socket)
    return result


async def ask(end, send, receive):
    payload = end.payload()
    size = len(payload)
    for _ in repeat(None, end.case.warmup):
        await send(payload)
        await receive()
    await end.measured()
    times = []
    now = perf_counter_ns()
    stop = now + int(end.seconds * 1e9)
    while now < stop:
        start = perf_counter_ns()
        await send(payload)
        reply = await receive()
        now = perf_counter_ns()
        if end.slowdown:
            now = end.slowed(start / 1e9) * 1e9
        times.append(now - start)
        if len(reply) != size:
            raise AssertionError(f"the reply has {len(reply)} bytes, not {size}")
    cost = end.cost()
    await send(END)
    return {"sent": len(times), "times": times, **cost}


async def answer(end, send, receive):
    """Send every message back, until ``END`` arrives."""
    size = end.case.message_size
    for _ in repeat(None, end.case.warmup):
        await send(await receive())
    await end.measured()
    count = 0
    while True:
        message = await receive()
        if len(message) != size:
            break
        await send(message)
        count += 1
    if message != END:
        raise AssertionError(f"after {count} requests came one of {len(message)} bytes")
    end.announce(answered=True)
    return {"received": count, **end.cost()}

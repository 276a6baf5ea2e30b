"""A server computes in Python for each request. A client keeps several requests in flight."""

from collections import deque
from time import perf_counter, perf_counter_ns

WINDOW = 32  # requests in flight
LOOPS = 400  # iterations of the computation, which takes about 20 us
END = b"end"


async def client(end):
    socket = end.connected(0, await end.wait_for("endpoint"))
    send, (receive, _) = end.sender(socket), end.receiver(socket, 0)
    payload = end.payload()
    times = []
    started = deque()
    left = end.case.warmup
    stop = None
    while True:
        now = perf_counter_ns()
        if len(started) < WINDOW and (left if stop is None else now < stop):
            await send(payload)
            started.append(now)
            left -= 1
            continue
        if started:
            await receive()
            times.append(perf_counter_ns() - started.popleft())
            continue
        if stop is not None:
            break
        await end.measured()
        times = []
        start = perf_counter()
        stop = (start + end.seconds) * 1e9
    elapsed = perf_counter() - start
    cost = end.cost()
    await send(END)
    await end.wait_for("answered")
    end.close(socket)
    return {"sent": len(times), "rate": len(times) / elapsed, "times": times, **cost}


async def server(end):
    socket, address = end.bound(1)
    end.announce(endpoint=address)
    send, (receive, _) = end.sender(socket), end.receiver(socket, 1)
    warm = end.case.warmup
    count = 0
    while len(request := await receive()) == end.case.message_size:
        compute(request)
        await send(request)
        count += 1
        if count == warm:
            await end.measured()
    cost = end.cost()
    end.announce(answered=True)
    end.close(socket)
    return {"received": count - warm, **cost}


def compute(request):
    total = len(request)
    for number in range(LOOPS):
        total = (total * 31 + number) & 0xFFFF
    return total

"""Send in one direction over plain sockets, by writes of 64 KiB and reads of 1 MiB."""

from time import perf_counter

READ = 1 << 20
WRITE = 64 << 10


async def source(end):
    """Write for the sending time of a round. ``sent`` in the result is in bytes."""
    socket = end.connected(0, await end.wait_for("endpoint"))
    write = socket.connection.sendall
    payload = bytes(WRITE)
    for _ in range(warmup(end)):
        write(payload)
    await end.measured()
    sent = 0
    stop = perf_counter() + end.seconds
    while perf_counter() < stop:
        write(payload)
        sent += WRITE
    cost = end.cost()
    end.close(socket)
    return {"sent": sent, "in_bytes": True, **cost}


async def sink(end):
    socket, endpoint = end.bound(1)
    end.announce(endpoint=endpoint)
    read = socket.accepted().recv_into
    buffer = bytearray(READ)
    view = memoryview(buffer)
    left = warmup(end) * WRITE
    while left:
        left -= read(view[: min(left, READ)])
    await end.measured()
    first = received = read(buffer)
    start = perf_counter()
    while got := read(buffer):
        received += got
    elapsed = perf_counter() - start
    end.close(socket)
    rate = (received - first) / end.case.size / elapsed
    return {"received": received, "rate": rate, **end.cost()}


def warmup(end):
    """Return the number of writes before the measurement."""
    return -(-end.case.warmup * end.case.size // WRITE)

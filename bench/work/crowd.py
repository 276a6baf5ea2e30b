"""Many DEALERs in one process send to one ROUTER. The DEALERs take turns."""

from time import perf_counter

from . import oneway


async def source(end):
    endpoint = await end.wait_for("endpoint")
    sockets = [end.connected(0, endpoint) for _ in range(end.case.size)]
    senders = [end.sender(socket) for socket in sockets]
    payload = end.payload()
    for send in senders:  # each socket connects, which is its warm-up
        await send(payload)
    await end.wait_for("ready")
    await end.measured()
    sent = 0
    now = perf_counter()
    stop = now + end.seconds
    while now < stop:
        for send in senders:
            await send(payload)
        sent += len(senders)
        now = end.slowed(now)
    for send in senders:
        await send(oneway.END)
    result = {"sent": sent, **end.cost()}
    await end.wait_for("drained")
    for socket in sockets:
        end.close(socket)
    return result


async def sink(end):
    socket, endpoint = end.bound(1)
    end.announce(endpoint=endpoint)
    receive, body = end.receiver(socket)
    size = end.case.message_size
    peers = end.case.size
    for _ in range(peers):
        await receive()
    end.announce(ready=True)
    await end.measured()
    await receive()
    start = perf_counter()
    count = 1
    ended = 0
    while ended < peers:
        if len(body(await receive())) == size:
            count += 1
        else:
            ended += 1
    elapsed = perf_counter() - start
    end.announce(drained=True)
    end.close(socket)
    return {"received": count, "rate": count / elapsed, **end.cost()}

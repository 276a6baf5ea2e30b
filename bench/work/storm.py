"""Many connections at once. The rate is that of connections, from connect to the first reply."""

from time import perf_counter


async def clients(end):
    endpoint = await end.wait_for("endpoint")
    payload = end.payload()
    await end.measured()
    start = perf_counter()
    sockets = []
    for _ in range(end.case.size):
        sockets.append(end.connected(0, endpoint))
        await end.sender(sockets[-1])(payload)
    for socket in sockets:
        await end.receiver(socket, 0)[0]()
    elapsed = perf_counter() - start
    cost = end.cost()
    for socket in sockets:
        end.close(socket)
    return {"sent": len(sockets), "rate": len(sockets) / elapsed, **cost}


async def server(end):
    socket, endpoint = end.bound(1)
    end.announce(endpoint=endpoint)
    await end.measured()
    count = end.case.size
    for _ in range(count):
        await socket.send_multipart(await socket.recv_multipart())
    result = {"received": count, **end.cost()}
    end.close(socket)
    return result

"""One PUB that may drop messages, and several subscribers, some of which do not read.

After each batch, the publisher waits until the subscribers that read have received the batch before
it, so these subscribers must not lose a message. The rate is that of the deliveries to them. The
costs are those of the publisher, divided by the number of messages that it sends.
"""

from itertools import repeat
from time import perf_counter

from ..cases import KB, MB, SUBSCRIBERS

SYNC = b"sync"
END = b"end"
#: The warm-up fills the queues and buffers to the subscribers that do not read: ``FILL`` bytes, and
#: ``QUEUES`` times the high-water mark in messages.
FILL = 4 * MB
QUEUES = 3
RECEIVE_BUFFER = 64 * KB  # of a subscriber that does not read
BATCH = 250  # messages


def readers(case):
    return SUBSCRIBERS - case.shape.options["slow"]


async def source(end):
    socket, endpoint = end.bound(0)
    acks = end.adapter.new_socket("PULL")
    inlet = end.adapter.bind(acks, end.addresses["inlet"])
    end.announce(endpoint=endpoint, inlet=inlet)
    send = end.sender(socket)
    payload = end.payload()
    batch = BATCH
    while not (end.has_received("ready") and end.has_received("asleep")):
        await send(SYNC)
        await end.sleep(0.001)
    warm = -(-(FILL // len(payload) + QUEUES * end.case.high_water_mark) // batch)
    stop = None
    batches = 0
    while True:
        for _ in repeat(None, batch):
            await send(payload)
        batches += 1
        if batches > 1:
            await acks.recv()  # of the previous batch
        if stop is None:
            if batches == warm:
                await end.measured()
                start = perf_counter()
                stop = start + end.seconds
        elif perf_counter() > stop:
            break
    await acks.recv()
    elapsed = perf_counter() - start
    cost = end.cost()
    await send(END)
    await end.wait_for("drained")
    end.announce(over=True)
    sent = (batches - warm) * batch
    deliveries = sent * readers(end.case)
    end.close(acks)
    socket.close(0)  # messages queued for a subscriber that does not read would delay the end
    return {
        "sent": batches * batch * readers(end.case),
        "messages": sent,
        "rate": deliveries / elapsed,
        **cost,
    }


async def sink(end):
    endpoint = await end.wait_for("endpoint")
    acks = end.adapter.new_socket("PUSH")
    end.adapter.connect(acks, await end.wait_for("inlet"))
    sockets = [end.connected(1, endpoint) for _ in range(readers(end.case))]
    receivers = [end.receiver(socket)[0] for socket in sockets]
    for receive in receivers:
        await receive()
    end.announce(ready=True)
    first = []
    for receive in receivers:
        while (message := await receive()) == SYNC:
            pass
        first.append(message)
    size = end.case.message_size
    batch = BATCH
    count = 0
    left = batch - 1
    while len(first[0]) == size:
        for receive in receivers:
            for _ in repeat(None, left):
                if len(await receive()) != size:
                    raise AssertionError("a subscriber that reads has missed messages")
        count += batch * len(receivers)
        await acks.send(b"")
        first = [await receive() for receive in receivers]
        left = batch - 1
    if first != [END] * len(receivers):
        raise AssertionError("a subscriber that reads has missed messages")
    end.announce(drained=True)
    await end.wait_for("over")
    for socket in (*sockets, acks):
        end.close(socket)
    return {"received": count}


async def sleeper(end):
    """Connect subscribers, receive one message in each to confirm the subscription, and then stop
    reading."""
    endpoint = await end.wait_for("endpoint")
    sockets = []
    for _ in range(end.case.shape.options["slow"]):
        socket = end.adapter.socket(end.case, 1)
        socket.setsockopt(end.adapter.zmq.RCVBUF, RECEIVE_BUFFER)
        end.adapter.connect(socket, endpoint)
        await end.receiver(socket)[0]()
        sockets.append(socket)
    end.announce(asleep=True)
    await end.wait_for("over")
    for socket in sockets:
        end.close(socket)
    return {}

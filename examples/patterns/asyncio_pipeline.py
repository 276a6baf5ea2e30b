"""Connect coroutines to a pipeline. One stage uses a short RCVTIMEO, and no message is lost.

Run it:

    python asyncio_pipeline.py
"""

import asyncio

import zmq
from zmq.asyncio import Context

MESSAGES = 500


async def produce(socket):
    for number in range(MESSAGES):
        await socket.send_multipart([b"number", b"%d" % number])


async def transform(source, drain):
    while True:
        name, number = await source.recv_multipart()
        await drain.send_multipart([name, b"%d" % (int(number) * 3)])


async def impatient(socket, taken):
    """Wait for so short a time that most waits are in vain.

    By RCVTIMEO: ``asyncio.wait_for`` would cancel, maybe just when a message has been taken.
    """
    socket.rcvtimeo = 1  # millisecond
    while len(taken) < MESSAGES:
        try:
            message = await socket.recv_multipart()
        except zmq.Again:
            continue
        taken.append(int(message[1]))


async def main():
    context = Context()
    ends = [context.socket(kind) for kind in (zmq.PUSH, zmq.PULL, zmq.PUSH, zmq.PULL)]
    for push, pull in (ends[:2], ends[2:]):
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.last_endpoint)
    taken = []
    stage = asyncio.create_task(transform(ends[1], ends[2]))
    collecting = asyncio.create_task(impatient(ends[3], taken))
    await asyncio.sleep(0.05)  # no message is there yet, so recv times out
    await produce(ends[0])
    await collecting
    stage.cancel()
    await asyncio.wait([stage])
    context.destroy(linger=0)
    print(len(taken), "messages", "in order" if taken == sorted(taken) else "out of order")
    print("sum:", sum(taken))


if __name__ == "__main__":
    asyncio.run(main())

"""End event loops while a coroutine waits in a socket.

The arguments are PACKAGE LOOP WAIT. PACKAGE is ``zmq`` (which uses our backend) or ``zlinkcompat``,
LOOP is ``asyncio`` or ``uvloop``, and WAIT is ``recv``, ``poll`` or ``poller``. After some time for
the cleanup, the program prints whether the ended loops have left descriptors or threads behind.
"""

import asyncio
import gc
import importlib
import logging
import os
import sys
import time
import warnings

package, loops, wait = sys.argv[1:]
zmq = importlib.import_module(package)
aio = importlib.import_module(f"{package}.asyncio")
loops = importlib.import_module(loops)

# This program destroys tasks while they wait. asyncio would report each of them.
warnings.simplefilter("ignore")
logging.getLogger("asyncio").setLevel(logging.CRITICAL)

ROUNDS = 10


async def reader(sock, ready):
    poller = aio.Poller()
    poller.register(sock, zmq.POLLIN)
    waits = {"recv": sock.recv, "poll": sock.poll, "poller": poller.poll}
    ready.set()
    while True:
        await waits[wait]()


async def main():
    context = aio.Context()
    context.linger = 0
    sock = context.socket(zmq.PULL)
    sock.bind("tcp://127.0.0.1:*")
    ready = asyncio.Event()
    asyncio.ensure_future(reader(sock, ready))  # noqa: RUF006 - the loop is abandoned with it
    await ready.wait()
    # The first iteration of the loop begins the wait.
    for _ in range(3):
        await asyncio.sleep(0)


async def is_kept():
    """Check that a waiting coroutine lives as long as its loop if only the loop references it."""
    received = []

    async def receive(sock):
        poller = aio.Poller()
        poller.register(sock, zmq.POLLIN)
        await {"recv": sock.poll, "poll": sock.poll, "poller": poller.poll}[wait]()
        received.append(await sock.recv())

    def begin():
        sock = aio.Context.instance().socket(zmq.PULL)
        port = sock.bind_to_random_port("tcp://127.0.0.1")
        asyncio.ensure_future(receive(sock))  # noqa: RUF006 - only the loop may refer to it
        return port

    port = begin()
    for _ in range(3):
        await asyncio.sleep(0)
        gc.collect()
    with aio.Context.instance().socket(zmq.PUSH) as push:
        push.connect(f"tcp://127.0.0.1:{port}")
        await push.send(b"x")
        began = time.monotonic()
        while not received and time.monotonic() - began < 10:
            await asyncio.sleep(0.001)
    return received == [b"x"]


def once():
    loop = loops.new_event_loop()
    loop.run_until_complete(main())
    loop.close()


def count():
    gc.collect()
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


loop = loops.new_event_loop()
print("kept", loop.run_until_complete(is_kept()))
loop.close()
before = count()
for _ in range(ROUNDS):
    once()
    gc.collect()
deadline = time.monotonic() + 10
left = True
while left and time.monotonic() < deadline:
    time.sleep(0.01)
    now = count()
    # Each round that is not collected leaves three descriptors and a thread.
    left = now[0] - before[0] > ROUNDS or now[1] - before[1] > ROUNDS // 2
print("left", left, now, before) if left else print("left nothing")

"""Fork a process pool while coroutines use sockets: ``fork_beside_logging.py PACKAGE ROUNDS``.

PACKAGE is ``zmq`` (which uses our backend) or ``zlinkcompat``. Everything is logged at DEBUG to a
file. The logging module holds the handler's lock during a fork. Connections come and go all the
time, so I/O threads log while the program forks.
"""

import asyncio
import importlib
import logging
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

package, rounds = sys.argv[1], int(sys.argv[2])
zmq = importlib.import_module(package)
aio = importlib.import_module(f"{package}.asyncio")


def work(number):
    logging.getLogger("child").debug("works on %d", number)
    return number * number


async def come_and_go(context, endpoint):
    """Connect, send and disconnect, again and again."""
    while True:
        with context.socket(zmq.PUSH) as push:
            push.connect(endpoint)
            await push.send(b"x")
        with context.socket(zmq.DEALER) as refused:
            # No socket listens on port 1, so each attempt fails and is logged.
            refused.reconnect_ivl = 1
            refused.connect("tcp://127.0.0.1:1")
            await asyncio.sleep(0.001)


async def receive(pull):
    while True:
        await pull.recv()


async def main():
    context = aio.Context()
    context.linger = 0
    pull = context.socket(zmq.PULL)
    pull.bind("tcp://127.0.0.1:*")
    tasks = [
        asyncio.ensure_future(come_and_go(context, pull.last_endpoint.decode())) for _ in range(3)
    ] + [asyncio.ensure_future(receive(pull))]
    loop = asyncio.get_running_loop()
    fork = multiprocessing.get_context("fork")
    for _ in range(rounds):
        with ProcessPoolExecutor(2, mp_context=fork) as executor:
            calls = [loop.run_in_executor(executor, work, number) for number in range(4)]
            assert await asyncio.gather(*calls) == [0, 1, 4, 9]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    context.destroy(linger=0)


logging.basicConfig(level=logging.DEBUG, filename=os.devnull)
asyncio.run(main())
print("done")

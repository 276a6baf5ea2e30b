"""Let a loop of this program stand still: its hub, its I/O thread or its asyncio loop."""

import asyncio
import logging
import os
import sys
import time

import gevent

import zlinkcompat as zmq
import zlinkcompat.asyncio
from zlinkcompat._runtime import log_queue
from zlinkcompat.debug.records import snapshot


class Texts(logging.Handler):
    """Collects the warnings about loops that stand still."""

    texts = []

    def emit(self, record):
        if "stood still" in record.getMessage():
            self.texts.append(record.getMessage())


def compute_for_too_long(seconds=30.0):
    """Block the loop of this thread until a warning is logged, at most for ``seconds``."""
    end = time.monotonic() + seconds
    while not Texts.texts and time.monotonic() < end:
        time.sleep(0.01)


def in_hub(pull):
    """Let the hub stand still."""
    gevent.sleep(0.05)
    compute_for_too_long()


def in_io_thread(pull):
    """Let the I/O thread stand still, as a TLS callback of the program could do."""
    (thread,) = pull.context.core.io_threads.threads
    thread.loop.call(compute_for_too_long)
    while not Texts.texts:
        time.sleep(0.01)


def in_no_loop(pull):
    """Let all loops wait for events."""
    pull.poll(500)


async def in_asyncio(context, seconds):
    """Let the asyncio loop stand still while a message arrives; receive another one afterwards."""
    with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.last_endpoint.decode())
        await push.send(b"the loop serves the connections from now on")
        await pull.recv()
        receiving = pull.recv()
        await push.send(b"meanwhile")
        compute_for_too_long(seconds)
        assert await receiving == b"meanwhile"
        for _ in range(3):
            await push.send(b"afterwards")
            assert await pull.recv() == b"afterwards"


logging.getLogger("zlinkcompat").addHandler(Texts())
case = sys.argv[1]
if case.startswith("asyncio"):
    with zlinkcompat.asyncio.Context() as context:
        asyncio.run(in_asyncio(context, float(sys.argv[2])))
else:
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.bind("tcp://127.0.0.1:*")
        if case == "threads":
            print(len(os.listdir("/proc/self/task")))
            sys.exit()
        {"hub": in_hub, "I/O thread": in_io_thread, "none": in_no_loop}[case](pull)
log_queue.flush()
assert not snapshot().sockets
print(len(Texts.texts), *Texts.texts, sep="\n")

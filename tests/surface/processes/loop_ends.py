"""End or fork a process while its event loop still has messages to send.

Usage: ``loop_ends.py PACKAGE LOOP END``. PACKAGE is ``zmq`` (which uses our backend) or
``zlinkcompat``, LOOP is ``asyncio`` or ``uvloop``. The program prints "all received" if the parent
process received every message that the child sent.
"""

import importlib
import multiprocessing
import os
import sys
import warnings

# Python 3.12 and later warn of a fork beside threads, which is what is tested here.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)

package, loops, end = sys.argv[1:]
zmq = importlib.import_module(package)
aio = importlib.import_module(f"{package}.asyncio")
loops = importlib.import_module(loops)

COUNT = 5000


async def send(endpoint):
    context = aio.Context()
    push = context.socket(zmq.PUSH)
    push.sndhwm = 0
    push.connect(endpoint)
    for number in range(COUNT):
        await push.send(b"%d" % number)
    if end == "term in the loop":
        push.close()
        context.term()
    if end == "fork":
        # This second child has copies of all descriptors, and exits at once.
        pid = os.fork()
        if pid == 0:
            push.close()
            os._exit(0)
        os.waitpid(pid, 0)  # noqa: ASYNC222 - the child exits at once
        for number in range(COUNT, 2 * COUNT):
            await push.send(b"%d" % number)
        push.close()
        context.term()
    return context, push


def run(coroutine):
    loop = loops.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def child(endpoint):
    run(send(endpoint))


def main():
    context = zmq.Context()
    pull = context.socket(zmq.PULL)
    pull.rcvtimeo = 30_000
    pull.rcvhwm = 0
    pull.bind("tcp://127.0.0.1:*")
    endpoint = pull.get_string(zmq.LAST_ENDPOINT).rstrip("\0")
    if end == "multiprocessing":
        process = multiprocessing.get_context("spawn").Process(target=child, args=(endpoint,))
        process.start()
    else:
        process = os.spawnv(
            os.P_NOWAIT,
            sys.executable,
            [sys.executable, __file__, *sys.argv[1:3], end + ":" + endpoint],
        )
    expected = 2 * COUNT if end == "fork" else COUNT
    numbers = [int(pull.recv()) for _ in range(expected)]
    assert numbers == list(range(expected))
    print("all received")
    if end == "multiprocessing":
        process.join()
    else:
        os.waitpid(process, 0)
    pull.close()
    context.term()


if __name__ == "__main__":
    end, _, endpoint = end.partition(":")
    if endpoint:
        child(endpoint)
    else:
        main()

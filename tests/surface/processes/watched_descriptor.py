"""A loop watches descriptors of sockets that end: ``watched_descriptor.py PACKAGE``.

PACKAGE is ``zmq`` (by the backend) or ``zlinkcompat``. Prints how often the loop's callback ran
after the context was terminated, and after another socket was closed; each has to be a few times.
"""

import asyncio
import importlib
import sys
import threading
import time

zmq = importlib.import_module(sys.argv[1])
aio = importlib.import_module(f"{sys.argv[1]}.asyncio")


async def watch(sock, end):
    """Count calls of a reader of ``sock`` while ``end()`` ends it, and in 100 iterations after."""
    loop = asyncio.get_running_loop()
    calls = []

    def look():
        calls.append(1)
        try:
            sock.getsockopt(zmq.EVENTS)
        except zmq.ZMQError:
            pass

    fd = sock.fileno()
    loop.add_reader(fd, look)
    await asyncio.sleep(0)
    end()
    for _ in range(100):
        await asyncio.sleep(0.001)
    loop.remove_reader(fd)
    return len(calls)


async def terminated():
    context = zmq.Context()
    sock = context.socket(zmq.PULL)
    sock.bind("tcp://127.0.0.1:*")
    thread = threading.Thread(target=context.term, daemon=True)
    count = await watch(sock, thread.start)
    sock.close()
    thread.join()
    return count


async def closed():
    with zmq.Context() as context:
        sock = context.socket(zmq.PULL)
        sock.bind("tcp://127.0.0.1:*")
        return await watch(sock, sock.close)


async def receiving():
    """Return exceptions in the loop, and CPU per second, while a coroutine waits in ``recv``."""
    logged = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: logged.append(context))
    context = aio.Context()
    sock = context.socket(zmq.PULL)
    sock.bind("tcp://127.0.0.1:*")
    waiting = asyncio.ensure_future(sock.recv())
    await asyncio.sleep(0)
    thread = threading.Thread(target=context.term, daemon=True)
    thread.start()
    began = time.process_time()
    await asyncio.wait([waiting], timeout=0.5)
    used = time.process_time() - began
    sock.close()
    thread.join()
    return len(logged), used


print("terminated", asyncio.run(terminated()))
print("closed", asyncio.run(closed()))
count, used = asyncio.run(receiving())
print("logged", count)
print("cpu", used)

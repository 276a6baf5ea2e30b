"""Watch descriptors of sockets that end in an event loop: ``watched_descriptor.py PACKAGE``.

PACKAGE is ``zmq`` (which uses our backend) or ``zlinkcompat``. The program prints how often the
loop called back after ``term()`` of the context, and after another socket was closed. Both numbers
have to be small: a descriptor that stayed readable would be reported in each iteration.
"""

import asyncio
import importlib
import sys
import threading
import time

zmq = importlib.import_module(sys.argv[1])
aio = importlib.import_module(f"{sys.argv[1]}.asyncio")


async def watch(sock, end):
    """Return how often the loop reports ``sock``, during ``end()`` and 100 more iterations."""
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
    """Terminate the context while a coroutine waits in ``recv``.

    Returns
    -------
    int
        Number of exceptions that the loop reported.
    float
        Seconds of CPU that the process used in half a second, if the coroutine still waits.
    """
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

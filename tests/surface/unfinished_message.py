"""Lose the peer of a message between its frames; print what its next peer receives.

Arguments: the package that is imported as zmq, and how it waits: blocking, green or asyncio.
Over inproc the sender knows in its next call that the peer has left.
"""

import asyncio
import importlib
import sys

package, way = sys.argv[1:]
if way == "green":
    from gevent import monkey

    monkey.patch_all()
zmq = importlib.import_module(package)
Context = zmq.Context if way == "blocking" else importlib.import_module(f"{package}.{way}").Context


async def run():
    async def do(call, *args):
        value = call(*args)
        return await value if way == "asyncio" else value

    context = Context()
    push = context.socket(zmq.PUSH)
    push.bind("inproc://unfinished")
    for first in "send", "send_multipart":
        for count in range(3):
            pull = context.socket(zmq.PULL)
            pull.connect("inproc://unfinished")
            message = b"1" if first == "send" else [b"0", b"1"]
            await do(getattr(push, first), message, zmq.SNDMORE)
            pull.close()
            for _ in range(count):
                await do(push.send, b"2", zmq.SNDMORE)
            await do(push.send, b"3")
            pull = context.socket(zmq.PULL)
            pull.rcvtimeo = 30_000
            pull.connect("inproc://unfinished")
            await do(push.send_multipart, [b"next", b"message"])
            print(await do(pull.recv_multipart))
            pull.close()
    context.destroy(0)


if way == "asyncio":
    asyncio.run(run())
else:
    try:
        run().send(None)
    except StopIteration:
        pass

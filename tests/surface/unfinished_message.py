"""Close the receiving peer between two frames of a message; print what the next peer receives.

The arguments are the package to import as zmq, and how its calls wait: blocking, green or asyncio.
The transport is inproc, so the sender notices in its next call that the peer has left.
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

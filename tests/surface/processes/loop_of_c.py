"""Run coroutines of a pyzmq program in uvloop's loop: ``loop_of_c.py inside|before``.

With ``inside`` the program creates its sockets in the running loop, with ``before`` before the loop
runs. It prints what it receives, or the error.
"""

import sys

import uvloop
import zmq
import zmq.asyncio


def make():
    context = zmq.asyncio.Context()
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    push.connect(f"tcp://127.0.0.1:{pull.bind_to_random_port('tcp://127.0.0.1')}")
    return context, pull, push


async def main(made):
    context, pull, push = made or make()
    try:
        await push.send(b"x")
        print(await pull.recv())
    except RuntimeError as error:
        print(error)
    context.destroy(linger=0)


made = make() if sys.argv[1] == "before" else None
loop = uvloop.new_event_loop()
loop.run_until_complete(main(made))
loop.close()

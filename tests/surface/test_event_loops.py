"""Both entry points (pyzmq's modules on our backend, and ours) work with several event loops.

The loops are those of asyncio, uvloop and tornado. Each test runs a program of its own, since a
backend is used by a whole process. The programs use the engine that the package chooses by itself.
"""

import pytest
from programs import run

ENTRY_POINTS = {
    "backend": ("import zmq\n", {"PYZMQ_BACKEND": "zlinkcompat.backend"}),
    "swapped": ("import zlinkcompat as zmq\n", {}),
}

COROUTINES = """
import asyncio
from zlinkcompat.tuning import ASYNCIO_BURST

async def round_trips(context):
    rep, req = pair(context, zmq.REP, zmq.REQ)

    async def serve():
        while True:
            await rep.send_multipart(await rep.recv_multipart())

    server = asyncio.ensure_future(serve())
    for number in range(100):
        await req.send_string(str(number))
        assert await req.recv_string() == str(number)
    server.cancel()

async def burst(context):
    pull, push = pair(context, zmq.PULL, zmq.PUSH)

    async def send():
        for number in range(5000):
            await push.send(b"%d" % number)

    sender = asyncio.ensure_future(send())
    for number in range(5000):
        assert await pull.recv() == b"%d" % number
    await sender

async def cancelled_receivers(context):
    pull, push = pair(context, zmq.PULL, zmq.PUSH)
    received = []
    for number in range(100):
        waiting = pull.recv()
        await asyncio.sleep(0)
        if not waiting.cancel():
            received.append(waiting.result())
        await push.send(b"%d" % number)
    while len(received) < 100:
        received.append(await pull.recv())
    assert received == [b"%d" % number for number in range(100)]

# Check that other tasks run while one task sends and receives in a loop without ever waiting.
async def others_get_turns(context):
    pull, push = pair(context, zmq.PULL, zmq.PUSH)
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    for _ in range(2000):
        await push.send(b"x")
        await pull.recv()
    task.cancel()
    assert turns >= 2 * (2000 // 64), turns

async def cancelled_while_they_give_way(context):
    pull, push = pair(context, zmq.PULL, zmq.PUSH, burst=1)
    for number in range(20):
        await push.send(b"%d" % number)
    received = []
    while len(received) < 20:
        waiting, unsent = pull.recv(), push.send(b"never")
        assert not (waiting.done() or unsent.done())
        waiting.cancel()
        unsent.cancel()
        received.append(await pull.recv())
    assert received == [b"%d" % number for number in range(20)]
    assert push.send(b"at once", zmq.DONTWAIT).done()
    assert await pull.recv() == b"at once"

async def poller(context):
    pull, push = pair(context, zmq.PULL, zmq.PUSH)
    poller = aio.Poller()
    poller.register(pull, zmq.POLLIN)
    assert await poller.poll(1) == []
    waiting = asyncio.ensure_future(poller.poll())
    await asyncio.sleep(0)
    assert not waiting.done()
    await push.send(b"x")
    assert await waiting == [(pull, zmq.POLLIN)]

def pair(context, one, other, burst=64):
    a, b = context.socket(one), context.socket(other)
    for sock in (a, b):
        sock.setsockopt(ASYNCIO_BURST, burst)
    a.bind("tcp://127.0.0.1:*")
    b.connect(a.last_endpoint)
    return a, b

async def main():
    for check in (round_trips, burst, cancelled_receivers, others_get_turns,
                  cancelled_while_they_give_way, poller):
        context = aio.Context()
        await asyncio.wait_for(check(context), 60)
        context.destroy(linger=0)

loop = loops.new_event_loop()
loop.run_until_complete(main())
loop.close()
print("done")
"""

STREAMS = """
from tornado.ioloop import IOLoop

COUNT = 500

async def main():
    context = zmq.Context()
    server = ZMQStream(context.socket(zmq.ROUTER))
    server.on_recv_stream(lambda stream, message: stream.send_multipart(message))
    server.bind("tcp://127.0.0.1:*")

    client = ZMQStream(context.socket(zmq.DEALER))
    sent, echoed = [], []
    client.on_send(lambda message, status: sent.append(message))

    def received(message):
        echoed.append(message)
        if len(echoed) == COUNT:
            loop.stop()

    client.on_recv(received)
    client.connect(server.socket.last_endpoint)
    for number in range(COUNT):
        client.send_multipart([b"%d" % number, b"end"])
    context_of.append((context, server, client, sent, echoed))

context_of = []
loop = IOLoop.current()
loop.run_sync(main)
guard = loop.call_later(20, loop.stop)
loop.start()
(context, server, client, sent, echoed), = context_of
assert echoed == [[b"%d" % number, b"end"] for number in range(COUNT)], len(echoed)
assert sent == echoed
for stream in (server, client):
    stream.close(linger=0)
assert client.closed()
context.term()
print("done")
"""

through_each_entry_point = pytest.mark.parametrize("entry_point", ENTRY_POINTS)


@through_each_entry_point
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_coroutines_in_every_event_loop(entry_point, loop):
    pytest.importorskip(loop)
    imports, environment = ENTRY_POINTS[entry_point]
    package = imports.split()[1]
    source = f"{imports}import {package}.asyncio as aio\nimport {loop} as loops\n{COROUTINES}"
    assert run(source, **environment) == "done\n"


@through_each_entry_point
def test_tornado_streams(entry_point):
    pytest.importorskip("tornado")
    imports, environment = ENTRY_POINTS[entry_point]
    package = imports.split()[1]
    source = f"{imports}from {package}.eventloop.zmqstream import ZMQStream\n{STREAMS}"
    assert run(source, **environment) == "done\n"

"""An inference server: a front process on asyncio, and engine processes with threads.

The front sends requests from a ROUTER, and receives the replies in a PULL. A request consists of a
msgpack frame and an array. An engine receives with a DEALER in one thread, runs its steps in the
main thread, and sends with a PUSH in another thread. As in such servers, all messages are sent with
``copy=False``, and those with an array also with ``track=True``.
"""

import asyncio
import os
import queue
import threading
import time
import traceback
from collections import deque
from time import perf_counter, perf_counter_ns

WINDOW = 8  # requests in flight
REQUEST, CALL, WARM, END = b"\0", b"\1", b"\2", b"\3"


def msgpack():
    try:
        import msgpack
    except ImportError as error:
        raise ImportError("this case needs msgpack: pip install msgpack") from error
    return msgpack


class Front:
    """The client's sockets, and the requests that wait for a reply."""

    def __init__(self, end):
        self.end = end
        self.engines = len(end.case.roles) - 1
        self.router, self.inlet = self.bound("ROUTER", "inlet")
        self.pull, self.outlet = self.bound("PULL", "outlet")
        self.pack = msgpack().packb
        self.unpack = msgpack().unpackb
        self.pending = {}
        self.unsent = deque()
        self.number = 0

    def bound(self, kind, name):
        socket = self.end.adapter.new_socket(kind)
        return socket, self.end.adapter.bind(socket, self.end.addresses[name])

    async def start(self):
        self.end.announce(inlet=self.inlet, outlet=self.outlet)
        self.identities = [(await self.router.recv_multipart())[0] for _ in range(self.engines)]
        self.reader = asyncio.ensure_future(self.read())

    async def read(self):
        """Receive replies, and set the result of the future that waits for each."""
        try:
            while True:
                frames = await self.pull.recv_multipart(copy=False)
                for number in self.unpack(bytes(frames[0]))["done"]:
                    self.pending.pop(number).set_result(frames[1:])
        except Exception as error:
            for each in self.pending.values():
                if not each.done():
                    each.set_exception(error)
            raise

    async def request(self, kind, *arrays, engine=None):
        """Send one request, by default to the next engine in turn; return the arrays of its
        reply."""
        self.number = number = self.number + 1
        engine = engine or self.identities[number % self.engines]
        self.pending[number] = reply = asyncio.get_running_loop().create_future()
        header = self.pack({"id": number, "tokens": [1, 2, 3]})
        tracked = bool(arrays)
        sent = await self.router.send_multipart(
            (engine, kind, header, *arrays), copy=False, track=tracked
        )
        if tracked:
            while self.unsent and self.unsent[0][0].done:
                self.unsent.popleft()
            if not sent.done:
                self.unsent.append((sent, arrays))  # the arrays must not change yet
        return await reply

    async def warm(self):
        """End the warm-up of the front and of the engines."""
        for each in self.identities:
            await self.request(WARM, engine=each)
        await self.end.measured()

    async def stop(self):
        for each in self.identities:
            await self.router.send_multipart((each, END), copy=False)
        for each in self.identities:
            await self.end.wait_for(f"{each.decode()} is over")
        self.reader.cancel()
        await asyncio.gather(self.reader, return_exceptions=True)
        for socket in (self.router, self.pull):
            self.end.close(socket)


async def client(end):
    """Keep ``WINDOW`` requests with an array in flight, and measure them."""
    front = Front(end)
    await front.start()
    size = end.case.message_size
    array = bytearray(size)
    times = []

    async def ask(enough):
        while not enough():
            start = perf_counter_ns()
            (reply,) = await front.request(REQUEST, array)
            times.append(perf_counter_ns() - start)
            if memoryview(reply).nbytes != size:
                raise AssertionError(f"the reply has {memoryview(reply).nbytes} bytes, not {size}")

    async def all_ask(enough):
        await asyncio.gather(*(ask(enough) for _ in range(WINDOW)))

    await all_ask(lambda: len(times) >= end.case.warmup)
    await front.warm()
    times.clear()
    start = perf_counter()
    await all_ask(lambda: perf_counter() > start + end.seconds)
    elapsed = perf_counter() - start
    cost = end.cost()
    await front.stop()
    return {
        "sent": len(times),
        "received": len(times),
        "rate": len(times) / elapsed,
        "times": times,
        **cost,
    }


async def caller(end):
    """Make small calls, each after the reply to the one before, and measure them."""
    front = Front(end)
    await front.start()
    times = []
    for _ in range(end.case.warmup):
        await front.request(CALL)
    await front.warm()
    stop = perf_counter() + end.seconds
    while perf_counter() < stop:
        start = perf_counter_ns()
        await front.request(CALL)
        times.append(perf_counter_ns() - start)
    cost = end.cost()
    await front.stop()
    return {"sent": len(times), "received": len(times), "times": times, **cost}


async def engine(end):
    """Run the steps of an engine: take the requests that have arrived, compute, pass the replies
    on."""
    inlet, outlet = await end.wait_for("inlet"), await end.wait_for("outlet")
    zmq, context = end.adapter.blocking()
    requests, replies = queue.Queue(), queue.Queue()
    threads = [
        thread(read, zmq, context, inlet, end.role.encode(), requests),
        thread(write, zmq, context, outlet, replies),
    ]
    step = end.case.shape.options["step"]
    cost = None
    while cost is None:
        batch = [requests.get()]
        while not requests.empty():
            batch.append(requests.get())
        if step and batch[0][0] == REQUEST:
            time.sleep(step)  # noqa: ASYNC251 - the work of an accelerator takes no CPU time
        for kind, number, arrays in batch:
            if kind == END:
                cost = end.cost()
                break
            replies.put((number, arrays))
            if kind == WARM:
                await end.measured()
    replies.put(None)
    for each in threads:
        each.join()
    context.term()
    end.announce(**{f"{end.role} is over": True})
    return cost


def thread(function, *args):
    """Start a thread. An error in it ends the process, so that nothing waits for its results."""

    def run():
        try:
            function(*args)
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    started = threading.Thread(target=run)
    started.start()
    return started


def read(zmq, context, inlet, identity, requests):
    """Receive requests until ``END`` arrives, and put them into the queue ``requests``."""
    unpack = msgpack().unpackb
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, -1)
    socket.setsockopt(zmq.IDENTITY, identity)
    socket.connect(inlet)
    socket.send(b"ready")
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    kind = None
    while kind != END:
        for ready, _ in poller.poll():
            first, *frames = ready.recv_multipart(copy=False)
            kind = bytes(first)
            number = unpack(bytes(frames[0]))["id"] if frames else 0
            requests.put((kind, number, [memoryview(each) for each in frames[1:]]))
    socket.close()


def write(zmq, context, outlet, replies):
    """Send the replies from the queue ``replies``, until it contains None."""
    pack = msgpack().packb
    socket = context.socket(zmq.PUSH)
    socket.setsockopt(zmq.LINGER, -1)
    socket.connect(outlet)
    unsent = deque()
    while (reply := replies.get()) is not None:
        number, arrays = reply
        header = pack({"done": [number], "tokens": [4, 5, 6]})
        tracker = socket.send_multipart((header, *arrays), copy=False, track=bool(arrays))
        if arrays:
            while unsent and unsent[0][0].done:
                unsent.popleft()
            if not tracker.done:
                unsent.append((tracker, arrays))
    socket.close()

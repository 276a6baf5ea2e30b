"""A typical program for ``mypy --strict``, which asserts the type of each call's result."""

from __future__ import annotations

import asyncio

import zmq
import zmq.asyncio
import zmq.auth
from zmq.auth.asyncio import AsyncioAuthenticator
from zmq.eventloop.zmqstream import ZMQStream
from zmq.utils.monitor import recv_monitor_message


def pull(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> list[bytes]:
    sock: zmq.Socket[bytes] = context.socket(zmq.PULL)
    sock.setsockopt(zmq.RCVTIMEO, 1000)
    sock.set(zmq.RCVHWM, 10)
    sock.linger = 0
    with sock.bind(endpoint):
        parts: list[bytes] = sock.recv_multipart()
        body: bytes = sock.recv()
        frame: zmq.Frame = sock.recv(copy=False)
        frames: list[zmq.Frame] = sock.recv_multipart(copy=False)
    text: str = sock.recv_string()
    size: int = sock.recv_into(bytearray(10))
    last: bytes | int | str = sock.get(zmq.LAST_ENDPOINT)
    print(text, size, last, frame.more, frame.bytes, [f.buffer for f in frames])
    return [*parts, body]


def push(endpoint: str) -> bool:
    with zmq.Context() as context, context.socket(zmq.PUSH) as sock:
        sock.connect(endpoint)
        sock.send(b"one", zmq.NOBLOCK | zmq.SNDMORE)
        sock.send_string("two")
        sock.send_json({"three": 3})
        sock.send_multipart([b"four", memoryview(b"five")])
        tracker: zmq.MessageTracker = sock.send(b"six", copy=False, track=True)
        tracker.wait(1)
        return tracker.done


def poll(sock: zmq.Socket[bytes]) -> bool:
    poller = zmq.Poller()
    poller.register(sock, zmq.POLLIN)
    events: dict[object, int] = dict(poller.poll(100))
    readable, _, _ = zmq.select([sock], [], [], 0.1)
    return sock in events and sock in readable and bool(sock.poll(10))


def errors(sock: zmq.Socket[bytes]) -> int | None:
    try:
        sock.recv(zmq.NOBLOCK)
    except zmq.Again as error:
        return error.errno
    except zmq.ZMQError as error:
        return error.errno
    return None


def watch(sock: zmq.Socket[bytes]) -> int:
    monitor = sock.get_monitor_socket(zmq.EVENT_ALL)
    event: int = recv_monitor_message(monitor)["event"]
    sock.disable_monitor()
    return event


def forward(front: zmq.Socket[bytes], back: zmq.Socket[bytes]) -> int:
    return zmq.proxy(front, back)


def keys() -> tuple[bytes, bytes]:
    public, secret = zmq.curve_keypair()
    assert zmq.has("curve") and zmq.curve_public(secret) == public
    kind: zmq.SocketType = zmq.SocketType.PUSH
    option: zmq.SocketOption = zmq.SocketOption.LINGER
    print(zmq.zmq_version_info(), zmq.zmq_version(), zmq.strerror(zmq.EAGAIN), kind, option)
    return public, secret


async def serve(endpoint: str) -> list[bytes]:
    context = zmq.asyncio.Context()
    sock = context.socket(zmq.REP)
    sock.bind(endpoint)
    authenticator = AsyncioAuthenticator(context)
    authenticator.start()
    authenticator.allow("127.0.0.1")
    request: list[bytes] = await sock.recv_multipart()
    await sock.send(b"reply")
    if await sock.poll(100):
        await sock.recv_string()
    poller = zmq.asyncio.Poller()
    poller.register(sock, zmq.POLLIN)
    await poller.poll(10)
    authenticator.stop()
    stream = ZMQStream(zmq.Context.instance().socket(zmq.PULL))
    stream.close()
    sock.close()
    context.term()
    return request


class Counting(zmq.Socket[bytes]):
    """A subclass, which has to be typed as well."""

    count: int = 0

    def send_string(
        self, u: str, flags: int = 0, copy: bool = True, encoding: str = "utf-8", **kwargs: object
    ) -> zmq.MessageTracker | None:
        self.count += 1
        self.send(u.encode(encoding), flags)
        return None


if __name__ == "__main__":
    asyncio.run(serve("tcp://127.0.0.1:5555"))

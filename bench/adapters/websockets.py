"""Messages of the same sizes over WebSocket without ZeroMQ, by the package ``websockets`` on
asyncio.

The package's interface for threads is even slower.
"""

import asyncio
import socket
from importlib import import_module

from ..waiting import Tasks
from .base import Adapter, Missing

#: Switches off features that ZeroMQ does not have, and limits that differ from ZeroMQ's.
SETTINGS = {"compression": None, "max_size": None, "ping_interval": None}


class Peer:
    """One end: a server and the connection that it accepts, or a client's connection."""

    def __init__(self, websockets):
        self.websockets = websockets
        self.connection = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()
        self.task = None

    def bind(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.task = asyncio.ensure_future(self.listen(listener))
        return f"ws://127.0.0.1:{listener.getsockname()[1]}"

    async def listen(self, listener):
        async with self.websockets.server.serve(self.serve, sock=listener, **SETTINGS):
            await self.over.wait()

    async def serve(self, connection):
        self.connection.set_result(connection)
        await self.over.wait()  # websockets closes the connection when this function returns

    def connect(self, endpoint):
        self.task = asyncio.ensure_future(self.dial(endpoint))

    async def dial(self, endpoint):
        async with self.websockets.client.connect(endpoint, **SETTINGS) as connection:
            self.connection.set_result(connection)
            await self.over.wait()

    def close(self):
        self.over.set()


class Library(Adapter):
    name = "websockets"
    order = 5
    waiting = Tasks
    patterns = ("push-pull", "req-rep")
    transports = ("ws",)

    def load(self):
        try:
            self.zmq = import_module("websockets.asyncio")
            for each in "client", "server":
                import_module(f"websockets.asyncio.{each}")
        except ImportError as error:
            raise Missing(f"not installed ({error})")

    def about(self):
        return {"version": import_module("websockets").__version__}

    def start(self, case):
        pass

    def stop(self):
        pass

    def socket(self, case, end):
        return Peer(self.zmq)

    def bind(self, peer, address):
        return peer.bind()

    def connect(self, peer, endpoint):
        peer.connect(endpoint)

    def sender(self, peer, case):
        async def send(payload):
            await (await peer.connection).send(payload)

        return send

    def receiver(self, peer, case, end=1):
        async def receive():
            return await (await peer.connection).recv()

        return receive, bytes

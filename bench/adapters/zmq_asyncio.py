"""pyzmq in asyncio, by ``zmq.asyncio``."""

from importlib import import_module

from ..waiting import Tasks
from .pyzmq import Pyzmq


class ZmqAsyncio(Pyzmq):
    module = "zmq.asyncio"
    counterpart = "zlink.asyncio"
    waiting = Tasks
    # zmq.asyncio does not have a proxy. If the adapter had one of its own, that would be measured
    # instead of pyzmq.
    patterns = tuple(each for each in Pyzmq.patterns if each != "proxy")

    def load(self):
        super().load()
        self.asyncio = self.zmq
        self.zmq = import_module("zmq")

    def start(self, case):
        super().start(case)
        self.context = self.asyncio.Context.shadow(self.context)

    def sender(self, socket, case):
        send = super().sender(socket, case)
        if not case.subscribes:
            return send

        async def send_when_there_is_room(payload):
            # zmq.asyncio does not wait in the send of a PUB, not even with XPUB_NODROP.
            while True:
                try:
                    return await send(payload)
                except self.zmq.Again:
                    await self.waiting.sleep(0)

        return send_when_there_is_room

    def blocking(self):
        return self.zmq, self.zmq.Context()


class Library(ZmqAsyncio):
    name = "zmq.asyncio"
    order = 2

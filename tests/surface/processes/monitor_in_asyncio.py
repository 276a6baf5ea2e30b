"""Print the peer of a monitor event that a coroutine receives, in pyzmq's way or in ours."""

import asyncio
import importlib
import sys

import zlinkcompat
from zlinkcompat.debug.monitor import recv_monitor_message

zmq = importlib.import_module(f"{sys.argv[1]}.asyncio")


async def main():
    with zmq.Context() as context:
        router, dealer = context.socket(zlinkcompat.ROUTER), context.socket(zlinkcompat.DEALER)
        router.bind("tcp://127.0.0.1:*")
        events = router.get_monitor_socket(zlinkcompat.EVENT_HANDSHAKE_SUCCEEDED)
        dealer.routing_id = b"me"
        dealer.connect(router.last_endpoint.decode())
        event = await recv_monitor_message(events)
        print(event["event"].name, event.routing_id, event.connection > 0)
        router.disable_monitor()
        for sock in (events, router, dealer):
            sock.close(linger=0)


asyncio.run(main())

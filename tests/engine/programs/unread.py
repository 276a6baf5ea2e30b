"""Send to a peer that reads little or nothing; test_system_calls.py runs this under strace.

Usage: ``python unread.py SITUATION``, on the engine that ``ZLINK_ENGINE`` names. The program calls
``getppid`` before and after the sends to be counted, so that strace's log shows where they begin
and end.
"""

import os
import socket
import sys
from contextlib import suppress

import zlinkcompat as zmq

PAYLOAD = bytes(1024)
FILLING = 10_000  # the queues and the kernel hold less than this
COUNTED = 20_000
PATTERNS = (
    (zmq.PUB, zmq.SUB),
    (zmq.XPUB, zmq.XSUB),
    (zmq.PUSH, zmq.PULL),
    (zmq.PAIR, zmq.PAIR),
    (zmq.DEALER, zmq.ROUTER),
    (zmq.ROUTER, zmq.DEALER),
)
PEER = b"peer"


def unused_port():
    """Return a port on which no socket listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def connected(context, sends, receives):
    """Return the sending socket, and its peer, which has received one message."""
    sender, receiver = context.socket(sends), context.socket(receives)
    receiver.rcvhwm = 1
    receiver.routing_id = PEER
    if receives == zmq.SUB:
        receiver.subscribe = b""
    receiver.bind("tcp://127.0.0.1:*")
    sender.connect(receiver.last_endpoint)
    if receives == zmq.XSUB:
        receiver.send(b"\1")
    receiver.rcvtimeo = 20
    while True:
        send(sender)
        with suppress(zmq.Again):
            receiver.recv_multipart()
            return sender, receiver


def send(sender):
    with suppress(zmq.Again):
        if sender.socket_type == zmq.ROUTER:
            sender.send_multipart([PEER, PAYLOAD], zmq.NOBLOCK)
        else:
            sender.send(PAYLOAD, zmq.NOBLOCK)


def main(situation):
    context = zmq.Context()
    for sends, receives in PATTERNS:
        if situation == "absent":
            sender, receiver = context.socket(sends), None
            sender.connect(f"tcp://127.0.0.1:{unused_port()}")
        else:
            sender, receiver = connected(context, sends, receives)
        for _ in range(FILLING):
            send(sender)
        os.getppid()
        for number in range(COUNTED):
            send(sender)
            if situation == "slow" and number % 1000 == 0:
                with suppress(zmq.Again):
                    receiver.recv_multipart(zmq.NOBLOCK)
        os.getppid()
        sender.close(0)
    print(len(PATTERNS), COUNTED, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])

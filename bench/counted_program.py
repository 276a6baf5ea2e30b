"""What ``bench.instructions`` runs under callgrind: each pattern, with both ends in one process.

``python -m bench.counted_program ENGINE COUNT PATTERN...``

A call of ``getppid`` stands before and after each measured part. There callgrind writes what it has
counted since the call before (``--dump-before=getppid``).
"""

import os
import sys
from itertools import repeat

SIZE = 64
# One message that goes at once, and four full batches (BATCH_MESSAGES). So the receiving end does
# not write what the sending end left over.
BURST = 1 + 4 * 256
TYPES = {
    "push-pull": ("PUSH", "PULL"),
    "pub-sub": ("PUB", "SUB"),
    "dealer-router": ("DEALER", "ROUTER"),
    "req-rep": ("REQ", "REP"),
}


def main(engine, count, patterns):
    os.environ["ZLINK_ENGINE"] = engine
    # Callgrind makes a program 50 times slower. With the limits of time batches would be shorter,
    # and the event loop and busy polling would run at other places in each run.
    os.environ["ZLINK_BATCH_TIME"] = "1000000"
    os.environ["ZLINK_HUB_TURN_INTERVAL"] = "1000000000"
    os.environ["ZLINK_BUSY_POLL"] = "0"
    os.environ["ZLINK_BATCH_MESSAGES"] = "256"
    import zlinkcompat as zmq

    context = zmq.Context()
    for pattern in patterns:
        sending, receiving = connected(zmq, context, *TYPES[pattern])
        play = in_lockstep if pattern == "req-rep" else in_bursts
        play(sending, receiving, BURST)  # what is made at first use
        mark()
        play(sending, receiving, count)
        mark()
        sending.close()
        receiving.close()
    empty(count)
    # Nothing after it is of interest, and leaving takes long under callgrind.
    sys.stdout.flush()
    os._exit(0)


def connected(zmq, context, sending, receiving):
    """Two sockets of these types, connected over tcp, and past the handshake."""
    first = context.socket(getattr(zmq, sending))
    second = context.socket(getattr(zmq, receiving))
    first.sndhwm = second.rcvhwm = 0
    if receiving == "SUB":
        second.subscribe = b""
    first.bind("tcp://127.0.0.1:*")
    second.connect(first.last_endpoint)
    if receiving != "SUB":
        return first, second
    # PUB drops messages until the subscription has arrived.
    while not second.poll(10):
        first.send(b"")
    while second.poll(100):
        second.recv()
    return first, second


def in_bursts(sending, receiving, count):
    """``count`` messages, :data:`BURST` at a time: all are sent, then all are received."""
    send, receive = sending.send, receiving.recv
    if receiving.type.name == "ROUTER":
        receive = receiving.recv_multipart
    payload = bytes(SIZE)
    for _ in range(count // BURST):
        for _ in repeat(None, BURST):
            send(payload)
        for _ in repeat(None, BURST):
            receive()


def in_lockstep(sending, receiving, count):
    """``count`` requests and replies."""
    ask, answered = sending.send, sending.recv
    asked, answer = receiving.recv, receiving.send
    payload = bytes(SIZE)
    for _ in repeat(None, count):
        ask(payload)
        asked()
        answer(payload)
        answered()


def empty(count):
    """A compiled method that does nothing: what no call can be cheaper than."""
    from zlinkcompat.routing.pattern import Owner

    nothing = Owner().on_readable
    mark()
    for _ in repeat(None, count):
        nothing()
    mark()


def mark():
    os.getppid()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])

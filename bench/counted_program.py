"""The program that ``bench.instructions`` runs under callgrind: each pattern in one process.

``python -m bench.counted_program ENGINE COUNT PATTERN...``

The program calls ``getppid`` before and after each measured part. At each of these calls callgrind
writes its counts since the last one (``--dump-before=getppid``).
"""

import os
import sys
from itertools import repeat

SIZE = 64
# One message that is sent at once, and four full batches (BATCH_MESSAGES). So no partial batch is
# left, which a call of the receiving end would write and be charged for.
BURST = 1 + 4 * 256
TYPES = {
    "push-pull": ("PUSH", "PULL"),
    "pub-sub": ("PUB", "SUB"),
    "dealer-router": ("DEALER", "ROUTER"),
    "req-rep": ("REQ", "REP"),
}


def main(engine, count, patterns):
    os.environ["ZLINK_ENGINE"] = engine
    # Callgrind makes a program 50 times slower. With the usual time limits, batches would be
    # shorter, and the event loop and busy polling would run at different points in each run.
    os.environ["ZLINK_BATCH_TIME"] = "1000000"
    os.environ["ZLINK_HUB_TURN_INTERVAL"] = "1000000000"
    os.environ["ZLINK_BUSY_POLL"] = "0"
    os.environ["ZLINK_BATCH_MESSAGES"] = "256"
    import zlinkcompat as zmq

    context = zmq.Context()
    for pattern in patterns:
        sending, receiving = connected(zmq, context, *TYPES[pattern])
        play = in_lockstep if pattern == "req-rep" else in_bursts
        play(sending, receiving, BURST)  # warm up: some objects are only made once
        mark()
        play(sending, receiving, count)
        mark()
        sending.close()
        receiving.close()
    empty(count)
    # End at once: nothing more is counted, and a normal exit takes long under callgrind.
    sys.stdout.flush()
    os._exit(0)


def connected(zmq, context, sending, receiving):
    """Return two sockets of these types that are connected over tcp and have done the handshake."""
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
    """Send and receive ``count`` messages in bursts: send :data:`BURST` messages, then receive
    them."""
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
    """Send ``count`` requests one by one, each after the reply to the one before."""
    ask, answered = sending.send, sending.recv
    asked, answer = receiving.recv, receiving.send
    payload = bytes(SIZE)
    for _ in repeat(None, count):
        ask(payload)
        asked()
        answer(payload)
        answered()


def empty(count):
    """Call a compiled method that does nothing ``count`` times: the least that a call can cost."""
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

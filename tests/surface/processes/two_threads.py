"""Use a socket in two native threads in the way that the argument names; print the warnings."""

import logging
import sys
import threading

import zlinkcompat as zmq
from zlinkcompat._runtime import log_queue

PATIENCE = 30_000


class Texts(logging.Handler):
    """Collects the text of each warning."""

    def __init__(self):
        logging.Handler.__init__(self, logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append((record.name, record.getMessage()))


handler = Texts()
# Collect no warnings of the engine layer, since closing a socket during a handshake may log one.
logging.getLogger("zlinkcompat.core").addHandler(handler)
context = zmq.Context()


def pair(one, other, **options):
    """Return two connected sockets."""
    sockets = context.socket(one), context.socket(other)
    for sock in sockets:
        sock.rcvtimeo = sock.sndtimeo = PATIENCE
        for name, value in options.items():
            setattr(sock, name, value)
    sockets[0].bind("tcp://127.0.0.1:*")
    sockets[1].connect(sockets[0].last_endpoint)
    return sockets


def start(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread


def until_waiting(sock):
    """Wait until another thread waits in a call of ``sock``."""
    while not sock.core.mailbox.sleepers:
        pass


def wait_for_a_message(sock):
    assert sock.recv() == b"x"


def poll_for_a_message(sock):
    assert sock.poll(PATIENCE) == zmq.POLLIN


def send_beside(waits):
    """Receive or poll in one thread while another thread sends."""
    one, other = pair(zmq.DEALER, zmq.DEALER)
    waiting = start(waits, one)
    until_waiting(one)
    for number in range(3):
        one.send(b"%d" % number)
    assert [other.recv() for _ in range(3)] == [b"0", b"1", b"2"]
    other.send(b"x")
    waiting.join()


def close_beside():
    """Receive in one thread while another thread closes the socket."""
    one, _ = pair(zmq.PULL, zmq.PUSH)
    errors = []

    def receive():
        try:
            one.recv()
        except zmq.ZMQError as error:
            errors.append(error.errno)

    waiting = start(receive)
    until_waiting(one)
    one.close()
    waiting.join()
    assert errors == [zmq.ENOTSOCK]


def many():
    """Let four threads send and four receive over two sockets with low high-water marks."""
    pull, push = pair(zmq.PULL, zmq.PUSH, sndhwm=2, rcvhwm=2)
    count = 500
    received = []

    def send(first):
        for number in range(count):
            push.send_multipart([b"%d" % (first + number), bytes(1000)])

    def receive():
        while True:
            number, body = pull.recv_multipart()
            if number == b"end":
                return
            assert body == bytes(1000)
            received.append(int(number))

    receivers = [start(receive) for _ in range(4)]
    for thread in [start(send, index * count) for index in range(4)]:
        thread.join()
    for _ in receivers:
        push.send_multipart([b"end", b""])
    for thread in receivers:
        thread.join()
    assert sorted(received) == list(range(4 * count))


def hand_on():
    """Hand a socket from thread to thread, each of which waits in it; ZeroMQ allows this."""
    one, other = pair(zmq.DEALER, zmq.DEALER)
    for wait in 5 * (wait_for_a_message, poll_for_a_message):
        waiting = start(wait, one)
        until_waiting(one)
        other.send(b"x")
        waiting.join()
        if wait is poll_for_a_message:
            assert one.recv() == b"x"
        one.send(b"y")
        assert other.recv() == b"y"


def guard():
    """Let several threads wait in the socket one after the other, under a lock."""
    pull, push = pair(zmq.PULL, zmq.PUSH)
    lock = threading.Lock()

    def receive():
        for _ in range(50):
            with lock:
                assert pull.recv() == b"x"

    threads = [start(receive) for _ in range(4)]
    for _ in range(200):
        push.send(b"x")
    for thread in threads:
        thread.join()


def terminate():
    """Call ``term()`` in one thread while another thread waits in a socket; ZeroMQ allows this."""
    pull, _ = pair(zmq.PULL, zmq.PUSH)
    _.close()

    def receive():
        try:
            pull.recv()
        except zmq.ContextTerminated:
            pull.close()

    waiting = start(receive)
    until_waiting(pull)
    context.term()
    waiting.join()


CASES = {
    "send beside recv": lambda: send_beside(wait_for_a_message),
    "send beside poll": lambda: send_beside(poll_for_a_message),
    "close beside recv": close_beside,
    "many": many,
    "hand on": hand_on,
    "guard": guard,
    "terminate": terminate,
}

CASES[sys.argv[1]]()
context.destroy(linger=0)
log_queue.flush()
print(len(handler.texts))
for name, text in handler.texts:
    print(name, text)

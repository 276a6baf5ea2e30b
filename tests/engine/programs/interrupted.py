"""A program whose signal handler raises again and again while its connections come and go.

Usage: interrupted.py ROLE ENDPOINT EXCEPTION. It says its address, or nothing when it connects;
then what it counted, when a line ``end`` comes; then each message that it receives.
"""

from gevent import monkey

monkey.patch_all()

import builtins  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402

import zlinkcompat as zmq  # noqa: E402

TYPES = {"binds": zmq.PULL, "connects": zmq.DEALER, "traffic": zmq.PAIR}

role, endpoint, name = sys.argv[1:]


class Interrupted(Exception):
    """An exception of the program's own."""


kind = getattr(builtins, name, Interrupted)
armed = False
count = 0


def interrupt(*args):
    global armed
    if armed:
        armed = False
        raise kind


# gevent prints what a handler raises while the loop runs no callback.
gevent.get_hub().exception_stream = None
context = zmq.Context()
sock = context.socket(TYPES[role])
sock.reconnect_ivl = 1
if role == "traffic":
    sock.heartbeat_ivl, sock.heartbeat_timeout = 5, 0
if role == "connects":
    sock.connect(endpoint)
else:
    sock.bind(endpoint)
    print(sock.last_endpoint.decode(), flush=True)
if role == "traffic":
    # A connection that is interrupted in its handshake ends, and the peer dials again.
    print(sock.recv().decode(), flush=True)
told = gevent.get_hub().threadpool.spawn(sys.stdin.readline)
received = []
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
while not told.ready():
    try:
        armed = True
        readable = sock.poll(20)
        armed = False
    except kind:
        count += 1
        continue
    # No handler raises here, between a message's leaving the socket and its coming into the list.
    # But one that was raised in the engine may be on its way.
    while readable:
        try:
            received.append(sock.recv(zmq.NOBLOCK))
        except zmq.Again:
            break
        except kind:
            count += 1
signal.setitimer(signal.ITIMER_REAL, 0)
for _ in range(5):
    try:
        gevent.sleep(0.01)
    except kind:
        pass
print(
    count,
    len(received),
    received == [b"%d" % number for number in range(len(received))],
    flush=True,
)
while True:
    print(sock.recv().decode(), flush=True)

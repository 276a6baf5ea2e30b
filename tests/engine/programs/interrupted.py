"""A program whose signal handler raises again and again while its connections come and go.

Usage: interrupted.py ROLE ENDPOINT EXCEPTION. It says its address, or nothing when it connects;
then what it counted, when a line ``end`` comes; then each message that it receives. When it is
monitored, the number of peers that its monitor told of since follows the message. When it is
called, a native thread calls into its hub meanwhile, and it says whether each call was
made once, in order.
"""

from gevent import monkey

monkey.patch_all()

import builtins  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402
import gevent.event  # noqa: E402

import zlinkcompat as zmq  # noqa: E402
from zlinkcompat.engine.callbacks import threadsafe_callbacks  # noqa: E402
from zlinkcompat.utils.monitor import recv_monitor_message  # noqa: E402

start_new_thread = monkey.get_original("_thread", "start_new_thread")
native_sleep = monkey.get_original("time", "sleep")

TYPES = {
    "binds": zmq.PULL,
    "connects": zmq.DEALER,
    "traffic": zmq.PAIR,
    "monitored": zmq.PULL,
    "called": zmq.PULL,
}

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


# gevent prints the exception of a handler if the loop runs no callback at that time.
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
    # A connection that is interrupted in its handshake ends, and the peer reconnects.
    print(sock.recv().decode(), flush=True)
monitor = sock.get_monitor_socket(zmq.EVENT_ACCEPTED) if role == "monitored" else None
callbacks = threadsafe_callbacks(gevent.get_hub())
called = []
calls = 0
last = gevent.event.Event()


def call_again_and_again():
    global calls
    while not told:
        callbacks.call(called.append, calls)
        calls += 1
        native_sleep(0.0001)
    callbacks.call(last.set)


# Use native threads, not those of gevent's pool: gevent itself may lose the callback of a result.
told = []
start_new_thread(lambda: told.append(sys.stdin.readline()), ())
if role == "called":
    start_new_thread(call_again_and_again, ())
received = []
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
while not told:
    try:
        armed = True
        readable = sock.poll(20)
        armed = False
    except kind:
        # An exception raised in the engine arrives later, when the next call may already be armed.
        armed = False
        count += 1
        continue
    # No handler raises here, between receiving a message and appending it to the list.
    # An exception that was raised in the engine may still be on its way, though.
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


def accepted():
    """Return the events since the last call."""
    number = 0
    while monitor.poll(0):
        assert recv_monitor_message(monitor)["event"] == zmq.EVENT_ACCEPTED
        number += 1
    return number


if monitor is not None:
    accepted()
print(
    count,
    len(received),
    received == [b"%d" % number for number in range(len(received))],
    flush=True,
)
if role == "called":
    last.wait()
    print(calls > 0, called == list(range(calls)), flush=True)


while True:
    text = sock.recv().decode()
    print(text if monitor is None else f"{text} {accepted()}", flush=True)

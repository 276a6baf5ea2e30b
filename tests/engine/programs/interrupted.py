"""A program whose signal handler raises again and again while its connections come and go.

Usage: interrupted.py ROLE ENDPOINT EXCEPTION. A program that binds first prints its address. After
the input line ``end``, it prints its counts, and then each message that it receives. In the role
"monitored", each message is followed by the number of peers that the monitor has reported since. In
the role "called", a native thread calls into the hub during the interrupts, and the program prints
whether each call was made once and in order.
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
    """An exception that only this program defines."""


kind = getattr(builtins, name, Interrupted)
armed = False
count = 0


def interrupt(*args):
    global armed
    if armed:
        armed = False
        raise kind


# If the loop runs no callback when a handler raises, gevent prints the exception. Hide that.
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
    # An interrupt in the handshake ends the connection, and the peer reconnects. So wait until a
    # first message has arrived.
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


# Use a native thread. With gevent's thread pool, an interrupt could make gevent itself lose the
# callback that reports the result.
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
        # An exception raised in the engine arrives later, maybe after the next call was armed.
        armed = False
        count += 1
        continue
    # The handler does not raise from here on, so that a received message is always appended to the
    # list. But an exception that was raised in the engine may still arrive.
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
    """Return the number of monitor events since the last call."""
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

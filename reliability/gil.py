"""Measures the costs of the GIL on the thread engine: the time of round trips while a thread
computes, and the effect on heartbeats of calls that keep or release the GIL."""

import ctypes
import os
import statistics
import sys
import threading
import time

from reliability.computing import compute
from reliability.processes import Process, say

INTERVALS = (5.0, 1.0, 0.1)  # milliseconds, for sys.setswitchinterval; the first is the default
TRIPS = 200
INTERVAL, TIMEOUT = 100, 500  # HEARTBEAT_IVL and HEARTBEAT_TIMEOUT, in milliseconds
LASTING = 2  # the duration of a call, in seconds
PATIENCE = 30_000  # milliseconds


def echo():
    """Echo messages until standard input ends."""
    import zlinkcompat as zmq

    context = zmq.Context()
    sock = context.socket(zmq.REP)
    sock.bind("tcp://127.0.0.1:*")
    say(sock.last_endpoint.decode())

    def serve():
        try:
            while True:
                sock.send(sock.recv())
        except zmq.ContextTerminated:
            sock.close(0)

    serving = threading.Thread(target=serve)
    serving.start()
    sys.stdin.read()
    context.term()
    serving.join()


def round_trips(endpoint):
    """Report the seconds of each round trip, first without a thread that computes, and then beside
    one that computes in Python, for each switch interval."""
    import zlinkcompat as zmq

    context = zmq.Context()
    sock = context.socket(zmq.REQ)
    sock.rcvtimeo = PATIENCE
    sock.connect(endpoint)

    def ask():
        began = time.perf_counter()
        sock.send(b"x")
        sock.recv()
        return time.perf_counter() - began

    def times():
        for _ in range(10):
            ask()
        return [ask() for _ in range(TRIPS)]

    alone = times()
    beside = {}
    for interval in INTERVALS:
        sys.setswitchinterval(interval / 1000)
        enough = threading.Event()

        def computing(enough=enough):
            while not enough.is_set():
                sum(range(1000))

        thread = threading.Thread(target=computing)
        thread.start()
        beside[interval] = times()
        enough.set()
        thread.join()
    say({"alone": alone, "beside": beside})
    context.destroy(linger=0)


def heartbeats(endpoint, kind):
    """Connect to a peer that sends heartbeats, and then make the call that ``kind`` names."""
    import zlinkcompat as zmq

    context = zmq.Context()
    sock = context.socket(zmq.PULL)
    sock.rcvtimeo = PATIENCE
    sock.connect(endpoint)
    sock.recv()
    if kind == "computes":
        compute(LASTING)
    else:
        library = ctypes.PyDLL(None) if kind == "keeps" else ctypes.CDLL(None)
        library.sleep(LASTING)
    say("over")
    sys.stdin.read()
    context.destroy(linger=0)


def watch_heartbeats(kind):
    """Return the seconds after which this end disconnects a peer that makes the call ``kind``, or
    None."""
    import zlinkcompat as zmq
    from zlinkcompat.utils.monitor import recv_monitor_message

    context = zmq.Context()
    sock = context.socket(zmq.PUSH)
    sock.heartbeat_ivl, sock.heartbeat_timeout = INTERVAL, TIMEOUT
    sock.sndtimeo = PATIENCE
    events = sock.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    sock.bind("tcp://127.0.0.1:*")
    try:
        endpoint = sock.last_endpoint.decode()
        with Process(
            "reliability.gil", "heartbeats", endpoint, kind, ZLINK_ENGINE="thread"
        ) as peer:
            sock.send(b"begin")
            began = time.monotonic()
            gave_up = None
            if events.poll(LASTING * 1000):
                recv_monitor_message(events)
                gave_up = round(time.monotonic() - began, 2)
            peer.hear()
        return gave_up
    finally:
        sock.disable_monitor()
        context.destroy(linger=0)


def run():
    """Run all measurements.

    Returns
    -------
    dict
        The time of round trips in microseconds for each switch interval, and for each kind of call
        the seconds until the peer was disconnected.
    """

    def process(*args):
        return Process("reliability.gil", *args, ZLINK_ENGINE="thread")

    with process("echo") as server, process("round_trips", server.hear()) as client:
        told = client.hear()

    def summary(seconds):
        return {
            "median_us": round(1e6 * statistics.median(seconds)),
            "p99_us": round(1e6 * statistics.quantiles(seconds, n=100)[-1]),
        }

    return {
        "trips": TRIPS,
        "load": round(os.getloadavg()[0], 1),
        "alone": summary(told["alone"]),
        "beside": {interval: summary(times) for interval, times in told["beside"].items()},
        "heartbeat_ivl_ms": INTERVAL,
        "heartbeat_timeout_ms": TIMEOUT,
        "lasting_s": LASTING,
        "given_up_s": {kind: watch_heartbeats(kind) for kind in ("keeps", "gives", "computes")},
    }


if __name__ == "__main__":
    {"echo": echo, "round_trips": round_trips, "heartbeats": heartbeats}[sys.argv[1]](*sys.argv[2:])

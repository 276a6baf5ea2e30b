"""Programs that compute while the I/O threads go on, on the thread engine.

A publisher that sends without end and never waits, a subscriber that computes in Python for
seconds between its receives, and others that come late, each in a process of its own.
"""

import sys
import time

from reliability.processes import Process, say

INTERVAL, TIMEOUT = 100, 500  # milliseconds, of heartbeats
PACE = 100  # messages a second to the one that computes: its high-water mark, 1,000, is never near
ENOUGH = 1000  # messages after which one that came late leaves
BETWEEN = 0.5  # seconds between two of them


def compute(seconds):
    """Pure Python, all the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        sum(range(1000))


def publish(seconds):
    """For ``seconds`` sends to all; the numbered ones in between are for the one that computes."""
    import zlinkcompat as zmq

    context = zmq.Context()
    sock = context.socket(zmq.XPUB)
    sock.heartbeat_ivl, sock.heartbeat_timeout = INTERVAL, TIMEOUT
    sock.bind("tcp://127.0.0.1:*")
    say(sock.last_endpoint.decode())
    while sock.recv() != b"\1numbered":
        pass  # who counts is here
    began = time.monotonic()
    numbered = sent = 0
    while (now := time.monotonic() - began) < seconds:
        sock.send(b"any")
        sent += 1
        if numbered < now * PACE:
            sock.send(b"numbered %d" % numbered)
            numbered += 1
    sock.send(b"numbered end")
    say({"sent": sent, "numbered": numbered})
    sys.stdin.read()
    context.destroy(linger=0)


def subscribe(endpoint, seconds):
    """Computes for ``seconds``, takes all that is there, and so on; says what came each time."""
    import zlinkcompat as zmq

    context = zmq.Context()
    sock = context.socket(zmq.SUB)
    sock.heartbeat_ivl, sock.heartbeat_timeout = INTERVAL, TIMEOUT
    sock.subscribe(b"numbered")
    events = sock.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    sock.connect(endpoint)
    received, wrong, ended = [], 0, False
    while not ended:
        compute(seconds)
        received.append(0)
        while sock.poll(0):
            message = sock.recv()
            if message == b"numbered end":
                ended = True
                break
            wrong += message != b"numbered %d" % sum(received)
            received[-1] += 1
    say({"received": received, "wrong": wrong, "disconnected": int(events.poll(0) > 0)})
    context.destroy(linger=0)


def come_late(endpoint, seconds):
    """For ``seconds`` subscribers come one after the other, and leave when they have enough."""
    import zlinkcompat as zmq

    context = zmq.Context()
    first, served = [], 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with context.socket(zmq.SUB) as sock:
            sock.rcvtimeo = 10_000
            sock.subscribe(b"any")
            began = time.monotonic()
            sock.connect(endpoint)
            sock.recv()
            first.append(time.monotonic() - began)
            for _ in range(ENOUGH - 1):
                sock.recv()
            served += 1
        time.sleep(BETWEEN)
    say({"first": first, "served": served})
    context.destroy(linger=0)


def run(seconds, times):
    """A subscriber that computes ``seconds`` between its receives, about ``times`` times.

    Returns
    -------
    dict
        What was sent and came; ``failures`` lists what was lost.
    """

    def process(*args):
        return Process("reliability.computing", *args, ZLINK_ENGINE="thread")

    # It ends while the subscriber computes once more.
    lasting = seconds * (times - 0.5)
    with process("publish", lasting) as publisher:
        endpoint = publisher.hear()
        with (
            process("subscribe", endpoint, seconds) as computing,
            process("come_late", endpoint, lasting / 2) as late,
        ):
            after, sent, came = late.hear(), publisher.hear(), computing.hear()
        publisher.tell("enough")
    found = {
        "computes_s": seconds,
        "heartbeat_ivl_ms": INTERVAL,
        "heartbeat_timeout_ms": TIMEOUT,
        **sent,
        **came,
        "late": after["served"],
        "first_ms": round(1000 * max(after["first"]), 1),
        "failures": [],
    }
    if sum(came["received"]) != sent["numbered"] or came["wrong"]:
        found["failures"].append(
            f"{sum(came['received'])} of {sent['numbered']} came, {came['wrong']} out of order"
        )
    if came["disconnected"]:
        found["failures"].append("heartbeats failed: the connection was ended")
    return found


if __name__ == "__main__":
    {
        "publish": lambda seconds: publish(float(seconds)),
        "subscribe": lambda endpoint, seconds: subscribe(endpoint, float(seconds)),
        "come_late": lambda endpoint, seconds: come_late(endpoint, float(seconds)),
    }[sys.argv[1]](*sys.argv[2:])

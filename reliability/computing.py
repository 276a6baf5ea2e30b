"""Programs on the thread engine that compute while the I/O threads work.

There are three processes. The first has a publisher that sends continuously and never waits. The
second has a subscriber that computes in Python for seconds before it receives again. The third
connects further subscribers one after the other, while the publisher is sending.
"""

import sys
import time

from reliability.processes import Process, say

INTERVAL, TIMEOUT = 100, 500  # milliseconds, for heartbeats
# Numbered messages per second. At this rate they never reach the subscriber's high-water mark.
PACE = 100
ENOUGH = 1000  # messages after which a late subscriber closes
BETWEEN = 0.5  # seconds from the end of a late subscriber to the next one


def compute(seconds):
    """Run pure Python code without a pause."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        sum(range(1000))


def publish(seconds):
    """Publish for ``seconds``: numbered messages for the subscriber that computes, and others."""
    import zlinkcompat as zmq

    context = zmq.Context()
    sock = context.socket(zmq.XPUB)
    sock.heartbeat_ivl, sock.heartbeat_timeout = INTERVAL, TIMEOUT
    sock.bind("tcp://127.0.0.1:*")
    say(sock.last_endpoint.decode())
    while sock.recv() != b"\1numbered":
        pass  # wait for the subscriber that computes
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
    """Compute for ``seconds``, receive all messages that wait, and repeat; report the counts."""
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
    """For ``seconds``, connect late subscribers one after the other; each receives some
    messages."""
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
    """Run a subscriber that computes for ``seconds``, about ``times`` times, between receives.

    Returns
    -------
    dict
        The numbers of messages that were sent and received. ``failures`` lists lost messages and
        failed heartbeats.
    """

    def process(*args):
        return Process("reliability.computing", *args, ZLINK_ENGINE="thread")

    # The publisher ends half a computation before the subscriber's last receive.
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

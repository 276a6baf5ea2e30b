"""Programs that compute while the I/O threads work, on the thread engine.

Each of these runs in its own process: a publisher that sends continuously and never waits, a
subscriber that computes in Python for seconds between its receives, and subscribers that join late.
"""

import sys
import time

from reliability.processes import Process, say

INTERVAL, TIMEOUT = 100, 500  # milliseconds, for heartbeats
PACE = 100  # messages a second to the computing subscriber, which stay below its high-water mark
ENOUGH = 1000  # messages after which a late subscriber leaves
BETWEEN = 0.5  # seconds between two late subscribers


def compute(seconds):
    """Run pure Python code without a pause."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        sum(range(1000))


def publish(seconds):
    """Publish for ``seconds``. The numbered messages are for the subscriber that computes."""
    import zlinkcompat as zmq

    context = zmq.Context()
    sock = context.socket(zmq.XPUB)
    sock.heartbeat_ivl, sock.heartbeat_timeout = INTERVAL, TIMEOUT
    sock.bind("tcp://127.0.0.1:*")
    say(sock.last_endpoint.decode())
    while sock.recv() != b"\1numbered":
        pass  # wait for the subscriber that counts
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
    """Compute for ``seconds``, receive all messages, and repeat; report the numbers received."""
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
    """For ``seconds``, start one late subscriber after another; each leaves after some messages."""
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
        The numbers sent and received; ``failures`` lists losses.
    """

    def process(*args):
        return Process("reliability.computing", *args, ZLINK_ENGINE="thread")

    # The publisher ends while the subscriber computes once more.
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

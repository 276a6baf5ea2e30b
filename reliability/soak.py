"""A run of some minutes in which connections are made and closed under load, to find growth of
memory and loss of messages.

There are two processes, one with a ROUTER and one with many DEALERs. Each DEALER exists for ``CROWD
/ RATE`` seconds, sends a numbered request every ``PERIOD`` seconds and checks the replies.
"""

import ctypes
import gc
import os
import statistics
import sys
import time

from reliability.processes import Process, raise_descriptor_limit, say

CROWD = 1000  # connections at a time
RATE = 64  # connections replaced per second
PERIOD = 0.5  # seconds between two requests of a connection
SAMPLE = 5.0  # seconds between two samples of memory and objects
PATIENCE = 30_000  # milliseconds to wait for a reply

HELD = ("memory_kb", "allocated_kb", "objects", "blocks", "descriptors", "greenlets", "threads")


def held():
    """Return the numbers of resources that this process has."""
    from greenlet import greenlet

    gc.collect()
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return {
        "memory_kb": int(lines["VmRSS"].split()[0]),
        "descriptors": len(os.listdir("/proc/self/fd")) - 1,
        "greenlets": sum(isinstance(each, greenlet) for each in gc.get_objects()),
        "threads": int(lines["Threads"]),
    }


class Mallinfo(ctypes.Structure):
    """The result of glibc's ``mallinfo2(3)``."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


def in_use():
    """Return the memory in use, without free memory that an allocator keeps: the numbers of
    Python's objects and blocks, and the C library's KiB (0 if it does not report them)."""
    allocated = 0
    if hasattr(ctypes.CDLL(None), "mallinfo2"):
        mallinfo = ctypes.CDLL(None).mallinfo2
        mallinfo.restype = Mallinfo
        told = mallinfo()
        allocated = (told.uordblks + told.hblkhd) // 1024
    return {
        "objects": len(gc.get_objects()),
        "blocks": sys.getallocatedblocks(),
        "allocated_kb": allocated,
    }


def watch(samples, began):
    import gevent

    while True:
        gevent.sleep(SAMPLE)
        samples.append({"at": time.monotonic() - began, **held(), **in_use()})


def serve():
    """Run the ROUTER: reply to requests, and count lost and repeated requests of each peer."""
    import gevent

    import zlinkcompat as zmq

    raise_descriptor_limit()
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.backlog = 1024
    router.bind("tcp://127.0.0.1:*")
    at_rest = {**held(), **in_use()}
    say(router.last_endpoint.decode())
    samples = []
    gevent.spawn(watch, samples, time.monotonic())
    expected, peers, received, lost, twice = {}, 0, 0, 0, 0
    while True:
        name, number, last = router.recv_multipart()
        if name == b"stop":
            router.send_multipart([name, number])
            break
        received += 1
        wanted = expected.get(name)
        if wanted is None:
            wanted = 0
            peers += 1
        this = int(number)
        lost += max(0, this - wanted)
        twice += this < wanted
        expected[name] = max(wanted, this + 1)
        if last:
            del expected[name]
        router.send_multipart([name, number])
    # All DEALERs have closed. Wait until their connections have ended.
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        after = {**held(), **in_use()}
        if after["descriptors"] <= at_rest["descriptors"]:
            break
        gevent.sleep(0.1)
    say(
        {
            "samples": samples,
            "at_rest": at_rest,
            "after": after,
            "peers": peers,
            "received": received,
            "lost": lost,
            "twice": twice,
            "unfinished": len(expected),
        }
    )
    router.close(0)
    context.term()


def crowd(endpoint, seconds):
    """Run the DEALERs for ``seconds``, and report their counts."""
    import gevent

    import zlinkcompat as zmq

    raise_descriptor_limit()
    context = zmq.Context()
    context.max_sockets = 4 * CROWD
    told = {"peers": 0, "sent": 0, "answered": 0, "lost": 0, "twice": 0}

    def live(number):
        dealer = context.socket(zmq.DEALER)
        dealer.routing_id = b"%d" % number
        dealer.rcvtimeo = PATIENCE
        dealer.connect(endpoint)
        told["peers"] += 1
        began = time.monotonic()
        request, last = 0, b""
        while not last:
            # End after a fixed time, and not after a fixed number of requests, even on a slow
            # machine.
            last = b"last" if time.monotonic() >= began + CROWD / RATE - PERIOD else b""
            dealer.send_multipart([b"%d" % request, last])
            told["sent"] += 1
            try:
                answer = int(dealer.recv())
            except zmq.Again:
                told["lost"] += 1
            else:
                told["answered"] += 1
                told["twice"] += answer < request
                told["lost"] += answer > request
            request += 1
            gevent.sleep(max(0.0, began + request * PERIOD - time.monotonic()))
        told["twice"] += dealer.poll(0) != 0
        dealer.close()

    at_rest = {**held(), **in_use()}
    began = time.monotonic()
    samples = []
    watcher = gevent.spawn(watch, samples, began)
    alive = set()
    number = 0
    late = 0.0
    while (now := time.monotonic()) < began + seconds:
        due = began + number / RATE
        if due > now:
            gevent.sleep(due - now)
            continue
        late = max(late, now - due)
        one = gevent.spawn(live, number)
        alive.add(one)
        one.link(alive.discard)
        number += 1
    gevent.joinall(list(alive), raise_error=True)
    watcher.kill()
    del one
    stop = context.socket(zmq.DEALER)
    stop.routing_id = b"stop"
    stop.connect(endpoint)
    stop.send_multipart([b"", b""])
    stop.recv()
    stop.close()
    say(
        {
            "samples": samples,
            "at_rest": at_rest,
            "after": {**held(), **in_use()},
            "late": late,
            **told,
        }
    )
    context.term()


def growth(samples, name):
    """Return the medians of the second and of the last quarter; the first quarter is the
    warm-up."""
    quarter = max(1, len(samples) // 4)
    values = [sample[name] for sample in samples]
    return statistics.median(values[quarter : 2 * quarter]), statistics.median(values[-quarter:])


def run(engine, minutes):
    """Run both processes on ``engine`` ("hub" or "thread").

    Returns
    -------
    dict
        The results. ``failures`` lists lost and repeated messages, and growth.
    """
    with (
        Process("reliability.soak", "serve", ZLINK_ENGINE=engine) as server,
        Process(
            "reliability.soak", "crowd", server.hear(), minutes * 60, ZLINK_ENGINE=engine
        ) as clients,
    ):
        there = clients.hear()
        here = server.hear()
    found = {
        "engine": engine,
        "minutes": minutes,
        "crowd": CROWD,
        "rate": RATE,
        "connections": there["peers"],
        "requests": there["sent"],
        "received": here["received"],
        "answered": there["answered"],
        "lost": here["lost"] + there["lost"] + here["unfinished"],
        "duplicated": here["twice"] + there["twice"],
        "latest_start_s": round(there["late"], 3),
    }
    failures = []
    for role, told in (("server", here), ("clients", there)):
        table = {}
        for name in HELD:
            middle, end = growth(told["samples"], name)
            table[name] = {
                "at_rest": told["at_rest"][name],
                "second_quarter": middle,
                "last_quarter": end,
                "after": told["after"][name],
            }
            # Allow some growth, because the number of connections varies a little. A leak of one
            # object per connection would add thousands.
            if end > middle * 1.05 + 8:
                failures.append(f"{role}: {name} grew from {middle} to {end}")
        found[role] = table
    if not (
        found["lost"] == found["duplicated"] == 0
        and found["requests"] == found["received"] == found["answered"]
        and here["peers"] == there["peers"]
    ):
        failures.append("not each request was delivered and answered once")
    found["failures"] = failures
    return found


if __name__ == "__main__":
    {"serve": serve, "crowd": lambda endpoint, seconds: crowd(endpoint, float(seconds))}[
        sys.argv[1]
    ](*sys.argv[2:])

"""Publish prices to three subscribers, of which one does not read: find out which one.

Start it, and look at it from another terminal:

    python stuck_subscriber.py
    zlinkcompat top

With a number as argument, it ends after so many seconds.
docs/find-the-problem.md explains what you see.
"""

import os
import sys
import time
from multiprocessing import get_context

import zlinkcompat as zmq
from zlinkcompat import metrics


def subscribe(endpoint, reads):
    """Receive prices. A subscriber that does not read stands for one that is stuck."""
    with zmq.Context() as context, context.socket(zmq.SUB) as feed:
        feed.rcvhwm = 100  # messages
        feed.rcvbuf = 65536  # bytes, so that little waits in the kernel
        feed.subscribe(b"")
        feed.connect(endpoint)
        feed.recv()
        while reads:
            feed.recv()
        time.sleep(3600)  # stuck: it never reads again


def main(seconds):
    """Publish for some seconds."""
    with zmq.Context() as context, context.socket(zmq.PUB) as feed:
        feed.name = "prices"
        feed.sndhwm = 500  # messages
        feed.linger = 0  # milliseconds: do not wait at the end for the one that is stuck
        feed.bind("tcp://127.0.0.1:*")
        endpoint = feed.last_endpoint.decode()
        spawn = get_context("spawn")
        readers = [
            spawn.Process(target=subscribe, args=(endpoint, reads), daemon=True)
            for reads in (True, False, True)
        ]
        for reader in readers:
            reader.start()
        metrics.open_control()
        with metrics.serve() as page:
            print(f"publisher: {os.getpid()}, metrics: {page.url}", flush=True)
            print(f"subscriber that does not read: {readers[1].pid}", flush=True)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                for _ in range(20):
                    feed.send(b"EURUSD " + bytes(1000))
                time.sleep(0.01)


if __name__ == "__main__":
    try:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 3600)
    except KeyboardInterrupt:
        pass

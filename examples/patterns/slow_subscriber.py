"""Compute between two receives in a subscriber. Nothing is lost below its high-water mark.

Run it:

    python slow_subscriber.py
"""

import threading
import time

import zmq

MESSAGES = 900  # less than the default high-water mark of 1000


def publish(publisher, done):
    publisher.recv()  # the subscription
    for number in range(MESSAGES):
        publisher.send(b"%d" % number)
    done.set()


def main():
    context = zmq.Context()
    publisher, subscriber = context.socket(zmq.XPUB), context.socket(zmq.SUB)
    publisher.bind("tcp://127.0.0.1:*")
    subscriber.heartbeat_ivl = 200  # ms
    subscriber.heartbeat_timeout = 1000
    subscriber.subscribe(b"")
    subscriber.connect(publisher.last_endpoint)
    done = threading.Event()
    thread = threading.Thread(target=publish, args=(publisher, done))
    thread.start()
    numbers = [int(subscriber.recv())]
    until = time.monotonic() + 0.7
    while time.monotonic() < until:  # busy, without a pause
        sum(range(1000))
    done.wait()
    while len(numbers) < MESSAGES:
        numbers.append(int(subscriber.recv()))
    thread.join()
    context.destroy(linger=0)
    print(len(numbers), "messages", "in order" if numbers == list(range(MESSAGES)) else "with gaps")


if __name__ == "__main__":
    main()

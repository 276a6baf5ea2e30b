"""Run a forwarder in the background: a ThreadProxy between publishers and subscribers.

Run it:

    python device_thread.py
"""

import zmq
from zmq.devices import ThreadProxy

MESSAGES = 50


def main():
    context = zmq.Context()
    device = ThreadProxy(zmq.XSUB, zmq.XPUB)
    inward = device.bind_in_to_random_port("tcp://127.0.0.1")
    outward = device.bind_out_to_random_port("tcp://127.0.0.1")
    device.setsockopt_in(zmq.LINGER, 0)
    device.setsockopt_out(zmq.LINGER, 0)
    device.start()
    publisher, subscriber = context.socket(zmq.XPUB), context.socket(zmq.SUB)
    publisher.connect(f"tcp://127.0.0.1:{inward}")
    subscriber.subscribe(b"news")
    subscriber.connect(f"tcp://127.0.0.1:{outward}")
    print("subscribed through the device to", publisher.recv()[1:])
    for number in range(MESSAGES):
        publisher.send_multipart([b"noise", b"%d" % number])
        publisher.send_multipart([b"news", b"%d" % number])
    received = [subscriber.recv_multipart() for _ in range(MESSAGES)]
    print(len(received), "messages, the last:", *received[-1])
    publisher.close(linger=0)
    subscriber.close()
    context.term()
    device.context_factory().term()
    device.join()


if __name__ == "__main__":
    main()

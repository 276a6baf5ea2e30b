"""Subscribe by topic: filters at the publisher, envelopes of several frames, unsubscribing.

Run it:

    python envelopes.py
"""

import zmq


def main():
    context = zmq.Context()
    publisher, subscriber = context.socket(zmq.XPUB), context.socket(zmq.SUB)
    publisher.bind("tcp://127.0.0.1:*")
    subscriber.connect(publisher.last_endpoint)
    for topic in ("weather.", "sports."):
        subscriber.subscribe(topic)
        print("publisher sees", publisher.recv())
    for topic in (b"weather.rain", b"traffic.jam", b"sports.chess", b"weather.sun"):
        publisher.send_multipart([topic, b"by", b"author", b"text about " + topic])
    for _ in range(3):
        print(*subscriber.recv_multipart(), sep=" | ")
    subscriber.unsubscribe("weather.")
    print("publisher sees", publisher.recv())
    for topic in (b"weather.fog", b"sports.go"):
        publisher.send_multipart([topic, b"the last"])
    print(*subscriber.recv_multipart(), sep=" | ")
    context.destroy(linger=0)


if __name__ == "__main__":
    main()

"""Let subscribers join while a publisher sends without a pause.

The publisher's loop neither sleeps nor waits, and its connections are served all the same.

    python late_subscriber.py
"""

import threading

import zmq


def subscriber(context, endpoint, topic, wanted, got):
    with context.socket(zmq.SUB) as socket:
        socket.subscribe(topic)
        socket.connect(endpoint)
        for _ in range(wanted):
            got.append(socket.recv_multipart()[0])


def main():
    context = zmq.Context()
    publisher = context.socket(zmq.PUB)
    publisher.bind("tcp://127.0.0.1:*")
    topics, got = (b"even", b"odd"), ([], [])
    threads = [
        threading.Thread(target=subscriber, args=(context, publisher.last_endpoint, *each))
        for each in ((topics[0], 100, got[0]), (topics[1], 100, got[1]))
    ]
    number = 0
    while not threads[-1].ident or any(thread.is_alive() for thread in threads):
        publisher.send_multipart([topics[number % 2], b"%d" % number])
        number += 1
        if number in (2_000, 4_000):
            threads[number // 2_000 - 1].start()
    publisher.close(linger=0)
    context.term()
    for each in got:
        print(len(each), "of topic", *set(each))


if __name__ == "__main__":
    main()

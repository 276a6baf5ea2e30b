"""Keep the last value of each topic in a proxy, for late subscribers (XPUB_VERBOSE).

Run it:

    python last_value_cache.py
"""

import threading

import zmq


def proxy(frontend, backend):
    """`frontend`: SUB from the publisher; `backend`: XPUB to the subscribers."""
    cache = {}
    poller = zmq.Poller()
    poller.register(frontend, zmq.POLLIN)
    poller.register(backend, zmq.POLLIN)
    while True:
        ready = dict(poller.poll())
        if frontend in ready:
            topic, value = frontend.recv_multipart()
            cache[topic] = value
            backend.send_multipart([topic, value])
            if topic == b"end":
                return
        if backend in ready:
            event = backend.recv()
            if event[:1] == b"\x01" and event[1:] in cache:
                backend.send_multipart([event[1:], cache[event[1:]]])


def main():
    context = zmq.Context()
    publisher = context.socket(zmq.XPUB)
    publisher.bind("tcp://127.0.0.1:*")
    frontend = context.socket(zmq.SUB)
    frontend.subscribe(b"")
    frontend.connect(publisher.last_endpoint)
    backend = context.socket(zmq.XPUB)
    backend.xpub_verbose = True
    backend.bind("tcp://127.0.0.1:*")
    endpoint = backend.last_endpoint
    thread = threading.Thread(target=proxy, args=(frontend, backend))
    publisher.recv()  # the proxy's subscription
    thread.start()
    for number in range(100):
        publisher.send_multipart([b"topic %d" % (number % 10), b"value %d" % number])
    with context.socket(zmq.SUB) as first:
        first.subscribe(b"topic 9")
        first.connect(endpoint)
        # A subscriber may get a value from the stream or from the cache until the last one came.
        while (message := first.recv_multipart()) != [b"topic 9", b"value 99"]:
            pass
        print("first:", *message)
    for name in ("second", "third"):
        with context.socket(zmq.SUB) as late:
            late.subscribe(b"topic 4")
            late.connect(endpoint)
            print(f"{name}:", *late.recv_multipart())
    publisher.send_multipart([b"end", b""])
    thread.join()
    for socket in (publisher, frontend, backend):
        socket.close(linger=0)
    context.term()


if __name__ == "__main__":
    main()

"""Distribute requests to workers that send heartbeats (Paranoid Pirate). One of them dies.

The queue forgets a worker that sends nothing, and gives its request to another worker.

    python heartbeating_queue.py
"""

import threading
import time

import zmq

INTERVAL = 0.1  # seconds
LIVENESS = 10  # intervals without a sign of life
REQUESTS = 20


def worker(context, endpoint, name, dies_at=None):
    with context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.routing_id = name
        socket.connect(endpoint)
        socket.send(b"READY")
        handled = 0
        while True:
            if not socket.poll(INTERVAL * 1000):
                socket.send(b"ALIVE")
                continue
            message = socket.recv_multipart()
            if message == [b"STOP"]:
                return
            handled += 1
            if handled == dies_at:
                return
            socket.send_multipart([b"DONE", *message])


def queue(backend, requests):
    """Hand out the requests in turn; return the results and the workers that died."""
    todo, results, dead = list(requests), {}, []
    alive, free, busy = {}, [], {}
    while len(results) < len(requests):
        while todo and free:
            name = free.pop(0)
            busy[name] = todo.pop(0)
            backend.send_multipart([name, busy[name]])
        if backend.poll(INTERVAL * 1000):
            name, kind, *rest = backend.recv_multipart()
            alive[name] = time.monotonic() + INTERVAL * LIVENESS
            if kind == b"DONE":
                results[rest[0]] = name
                busy.pop(name, None)
            if kind in (b"READY", b"DONE"):
                free.append(name)
        now = time.monotonic()
        for name in [name for name, until in alive.items() if until < now]:
            del alive[name]
            dead.append(name)
            free = [each for each in free if each != name]
            if name in busy:
                todo.append(busy.pop(name))
    for name in alive:
        backend.send_multipart([name, b"STOP"])
    return results, dead


def main():
    context = zmq.Context()
    backend = context.socket(zmq.ROUTER)
    backend.bind("tcp://127.0.0.1:*")
    workers = [
        threading.Thread(target=worker, args=(context, backend.last_endpoint, *args))
        for args in ((b"steady",), (b"mortal", 1))
    ]
    workers[1].start()
    backend.poll()  # the worker that will die reports first, and so gets the first request
    workers[0].start()
    results, dead = queue(backend, [b"request %d" % number for number in range(REQUESTS)])
    for thread in workers:
        thread.join()
    backend.close()
    context.term()
    print(len(results), "requests done by", *sorted(set(results.values())))
    print("died:", *dead)


if __name__ == "__main__":
    main()

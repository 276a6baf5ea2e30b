"""Send each request to the worker that has been free for longest, from ROUTER to ROUTER.

Run it:

    python load_balancer.py
"""

import threading
from collections import deque

import zmq

CLIENTS, WORKERS, REQUESTS = 6, 3, 10


def client(context, answers):
    with context.socket(zmq.REQ) as socket:
        socket.connect("inproc://frontend")
        for _ in range(REQUESTS):
            socket.send(b"hello")
            answers.append(socket.recv())


def worker(context):
    with context.socket(zmq.REQ) as socket:
        socket.connect("inproc://backend")
        socket.send(b"ready")
        while len(request := socket.recv_multipart()) == 3:
            who, empty, body = request
            socket.send_multipart([who, empty, b"re: " + body])


def balance(frontend, backend):
    free, left = deque(), CLIENTS * REQUESTS
    poller = zmq.Poller()
    poller.register(backend, zmq.POLLIN)
    while left:
        # Take requests only while a worker is free.
        if free:
            poller.register(frontend, zmq.POLLIN)
        elif frontend in poller:
            poller.unregister(frontend)
        ready = dict(poller.poll())
        if backend in ready:
            name, _, *reply = backend.recv_multipart()
            free.append(name)
            if reply != [b"ready"]:
                frontend.send_multipart(reply)
                left -= 1
        if frontend in ready:
            backend.send_multipart([free.popleft(), b"", *frontend.recv_multipart()])
    while len(free) < WORKERS:
        free.append(backend.recv_multipart()[0])
    for name in free:
        backend.send_multipart([name, b"", b"stop"])


def main():
    context = zmq.Context()
    frontend, backend = context.socket(zmq.ROUTER), context.socket(zmq.ROUTER)
    frontend.bind("inproc://frontend")
    backend.bind("inproc://backend")
    answers = []
    threads = [threading.Thread(target=worker, args=(context,)) for _ in range(WORKERS)]
    threads += [threading.Thread(target=client, args=(context, answers)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    balance(frontend, backend)
    for thread in threads:
        thread.join()
    frontend.close()
    backend.close()
    context.term()
    print(len(answers), "answers:", *set(answers))


if __name__ == "__main__":
    main()

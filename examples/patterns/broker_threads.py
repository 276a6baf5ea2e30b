"""Put a broker in front of worker threads: clients reach a ROUTER by tcp, workers by inproc.

Run it:

    python broker_threads.py
"""

import threading

import zmq

WORKERS, CLIENTS, REQUESTS = 3, 4, 25


def worker(context):
    with context.socket(zmq.REP) as socket:
        socket.connect("inproc://workers")
        while (request := socket.recv()) != b"stop":
            socket.send(request.upper())
        socket.send(b"stopped")


def client(context, endpoint, number, answers):
    with context.socket(zmq.REQ) as socket:
        socket.connect(endpoint)
        for each in range(REQUESTS):
            socket.send_string(f"client {number} request {each}")
            answers.append(socket.recv_string())


def broker(frontend, backend, control):
    try:
        zmq.proxy_steerable(frontend, backend, None, control)
    finally:
        for socket in (frontend, backend, control):
            socket.close(linger=0)


def main():
    context = zmq.Context()
    frontend, backend = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    port = frontend.bind_to_random_port("tcp://127.0.0.1")
    backend.bind("inproc://workers")
    control, steering = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    control.bind("inproc://control")
    steering.connect("inproc://control")

    workers = [threading.Thread(target=worker, args=(context,)) for _ in range(WORKERS)]
    proxy = threading.Thread(target=broker, args=(frontend, backend, control))
    answers = [[] for _ in range(CLIENTS)]
    endpoint = f"tcp://127.0.0.1:{port}"
    clients = [
        threading.Thread(target=client, args=(context, endpoint, number, answers[number]))
        for number in range(CLIENTS)
    ]
    for thread in (*workers, proxy, *clients):
        thread.start()
    for thread in clients:
        thread.join()
    # The proxy serves the workers in turn, so each one gets one of these.
    with context.socket(zmq.REQ) as last:
        last.connect(endpoint)
        for _ in workers:
            last.send(b"stop")
            last.recv()
    for thread in workers:
        thread.join()
    steering.send(b"TERMINATE")
    proxy.join()
    steering.close(linger=0)
    context.term()
    for each in answers:
        print(len(each), "answers, the last:", each[-1])


if __name__ == "__main__":
    main()

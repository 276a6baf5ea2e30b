"""Use sockets in a thread pool: each task of concurrent.futures has a socket of its own.

Run it:

    python thread_pool.py
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import zmq


def server(socket):
    while True:
        client, request = socket.recv_multipart()
        if request == b"stop":
            return
        socket.send_multipart([client, b"%d" % (int(request) ** 2)])


def ask(context, endpoint, number):
    with context.socket(zmq.DEALER) as socket:
        socket.connect(endpoint)
        socket.send_string(str(number))
        return int(socket.recv())


def main():
    with zmq.Context() as context:
        router = context.socket(zmq.ROUTER)
        router.bind("tcp://127.0.0.1:*")
        endpoint = router.last_endpoint
        thread = threading.Thread(target=server, args=(router,))
        thread.start()
        with ThreadPoolExecutor(8) as pool:
            futures = [pool.submit(ask, context, endpoint, number) for number in range(60)]
            print("sum of squares:", sum(future.result() for future in futures))
        with context.socket(zmq.DEALER) as last:
            last.connect(endpoint)
            last.send(b"stop")
        thread.join()
        router.close()


if __name__ == "__main__":
    main()

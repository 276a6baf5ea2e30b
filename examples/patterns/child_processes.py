"""Send work to child processes (multiprocessing, spawn) by ipc, and get the results back.

Run it:

    python child_processes.py
"""

import multiprocessing
import os
import tempfile

import zmq

CHILDREN = 2


def is_prime(number):
    return number > 1 and all(number % divisor for divisor in range(2, number))


def child(endpoint):
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.connect(endpoint)
        socket.send_json([])
        while numbers := socket.recv_json():
            socket.send_json([number for number in numbers if is_prime(number)])


def main():
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, zmq.Context() as context:
        endpoint = "ipc://" + os.path.join(folder, "work")
        with context.socket(zmq.ROUTER) as socket:
            socket.bind(endpoint)
            children = [spawn.Process(target=child, args=(endpoint,)) for _ in range(CHILDREN)]
            for process in children:
                process.start()
            todo, primes, gone = list(range(0, 400, 50)), set(), 0
            while gone < CHILDREN:
                name, _ = socket.recv(), socket.recv()
                primes.update(socket.recv_json())
                socket.send_multipart([name, b""], zmq.SNDMORE)
                start = todo.pop() if todo else None
                socket.send_json([] if start is None else list(range(start, start + 50)))
                gone += start is None
            for process in children:
                process.join()
        print(len(primes), "primes, the largest:", max(primes))
        print("exit codes:", *(process.exitcode for process in children))


if __name__ == "__main__":
    main()

"""Stop threads by ``term()``: every thread that waits in a call gets ContextTerminated.

Run it:

    python stop_by_term.py
"""

import threading

import zmq


def wait_in(call, socket, ready, ended):
    ready.release()
    try:
        call(socket)
    except zmq.ContextTerminated:
        ended.append(call.__name__)
    finally:
        socket.close(linger=0)


def recv(socket):
    socket.recv()


def send(socket):
    while True:
        socket.send(bytes(1000))


def poll(socket):
    socket.poll()


def main():
    context = zmq.Context()
    ready, ended, threads = threading.Semaphore(0), [], []
    for call, kind in ((recv, zmq.PULL), (send, zmq.PUSH), (poll, zmq.SUB)):
        socket = context.socket(kind)
        socket.bind("tcp://127.0.0.1:*")
        threads.append(threading.Thread(target=wait_in, args=(call, socket, ready, ended)))
        threads[-1].start()
    for _ in threads:
        ready.acquire()
    context.term()
    for thread in threads:
        thread.join()
    print("ended by term:", *sorted(ended))


if __name__ == "__main__":
    main()

"""Signal from thread to thread by PAIR over inproc, and hand a socket on.

Run it:

    python pair_signals.py
"""

import threading

import zmq


def step(context, number, log):
    with context.socket(zmq.PAIR) as upstream:
        upstream.connect(f"inproc://step{number - 1}")
        baton = int(upstream.recv())
        log.append(f"step {number} got {baton}")
    with context.socket(zmq.PAIR) as downstream:
        downstream.bind(f"inproc://step{number}")
        downstream.send(b"%d" % (baton * 2))


def finish(socket, log):
    """`socket` was made and connected in the main thread."""
    log.append(f"finish got {int(socket.recv())}")
    socket.close()


def main():
    context, log = zmq.Context(), []
    threads = [threading.Thread(target=step, args=(context, n, log)) for n in range(1, 6)]
    last = context.socket(zmq.PAIR)
    last.connect("inproc://step5")
    threads.append(threading.Thread(target=finish, args=(last, log)))
    for thread in reversed(threads):
        thread.start()
    with context.socket(zmq.PAIR) as first:
        first.bind("inproc://step0")
        first.send(b"1")
        for thread in threads:
            thread.join()
    context.term()
    print(*log, sep="\n")


if __name__ == "__main__":
    main()

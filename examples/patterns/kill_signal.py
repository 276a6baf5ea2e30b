"""Stop workers by a second socket: they poll one socket for work and one for the end.

Run it:

    python kill_signal.py
"""

import threading

import zmq

WORKERS, TASKS = 3, 90


def worker(context, endpoint, reached):
    work, control = context.socket(zmq.REP), context.socket(zmq.SUB)
    control.subscribe(b"")
    control.connect("inproc://control")
    work.connect(endpoint)
    poller = zmq.Poller()
    poller.register(work, zmq.POLLIN)
    poller.register(control, zmq.POLLIN)
    count = 0
    while True:
        ready = dict(poller.poll())
        if work in ready:
            work.send(work.recv()[::-1])
            count += 1
        if control in ready:
            break
    reached.append(count)
    work.close()
    control.close()


def main():
    context = zmq.Context()
    control, dealer = context.socket(zmq.XPUB), context.socket(zmq.DEALER)
    control.xpub_verbose = True
    control.bind("inproc://control")
    dealer.bind("tcp://127.0.0.1:*")
    counts = []
    threads = [
        threading.Thread(target=worker, args=(context, dealer.last_endpoint, counts))
        for _ in range(WORKERS)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        control.recv()
    for number in range(TASKS):
        dealer.send_multipart([b"", b"task %02d" % number])
    replies = [dealer.recv_multipart()[1] for _ in range(TASKS)]
    control.send(b"stop")
    for thread in threads:
        thread.join()
    context.destroy(linger=0)
    print(len(set(replies)), "replies, done by the workers:", sum(counts))


if __name__ == "__main__":
    main()

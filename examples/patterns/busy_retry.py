"""Send and receive in a loop that never blocks, with NOBLOCK, zmq.Again and timeouts.

Run it:

    python busy_retry.py
"""

import zmq

MESSAGES = 2_000


def main():
    context = zmq.Context()
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    push.sndhwm = pull.rcvhwm = 10
    pull.rcvtimeo = 100  # ms
    try:
        pull.recv()
    except zmq.Again as error:
        print("without a peer: errno is EAGAIN:", error.errno == zmq.EAGAIN)
    pull.bind("tcp://127.0.0.1:*")
    push.connect(pull.last_endpoint)
    sent, received = 0, []
    while len(received) < MESSAGES:
        if sent < MESSAGES:
            try:
                push.send(b"%d" % sent, zmq.NOBLOCK)
                sent += 1
            except zmq.Again:
                pass  # the queue is full, or there is no peer yet; try again in the next round
        try:
            received.append(int(pull.recv(zmq.NOBLOCK)))
        except zmq.Again:
            pass
    print(len(received), "received", "in order" if received == list(range(MESSAGES)) else "wrong")
    push.close()
    pull.close()
    context.term()


if __name__ == "__main__":
    main()

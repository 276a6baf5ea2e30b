"""Create and terminate contexts, each with a socket whose ``FD`` the program reads.

The program prints how many more descriptors are open at the end than at the start. It never waits,
so the hub runs only inside calls. The test's prelude defines ``zmq``, ``os`` and ``say``.
"""


def once():
    context = zmq.Context()  # noqa: F821
    with context.socket(zmq.REQ) as sock:  # noqa: F821
        sock.bind("inproc://x")
        sock.fileno()
    context.term()


def count():
    return len(os.listdir("/proc/self/fd"))  # noqa: F821


once()
before = count()
for _ in range(50):
    once()
say(count() - before)  # noqa: F821

"""Make and end contexts, each with a socket whose descriptor was asked.

Prints how many descriptors are left more than at first. The hub never turns by itself. The prelude
gives ``zmq``, ``os`` and ``say``.
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

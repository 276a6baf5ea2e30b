"""Drop objects that own a context and bound sockets; each next object binds the same addresses.

The arguments are the transport, how the object is dropped ("cycle" leaves it to the garbage
collector), and a directory. The test prepends a line that imports ``zmq``.
"""

import gc
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore", ResourceWarning)

transport, drop, path = sys.argv[1:]
stop = False


def compute():
    while not stop:
        sum(range(1000))


class Owner:
    def __init__(self, endpoint):
        self.context = zmq.Context()  # noqa: F821
        self.sockets = [self.context.socket(kind) for kind in (zmq.ROUTER, zmq.PUB)]  # noqa: F821
        for number, sock in enumerate(self.sockets):
            sock.bind(endpoint[number])


def free_endpoints():
    if transport == "ipc":
        return [f"ipc://{path}/0", f"ipc://{path}/1"]
    with zmq.Context() as context, context.socket(zmq.PULL) as one:  # noqa: F821
        with context.socket(zmq.PULL) as other:  # noqa: F821
            one.bind("tcp://127.0.0.1:*")
            other.bind("tcp://127.0.0.1:*")
            return [one.last_endpoint.decode(), other.last_endpoint.decode()]


threads = [threading.Thread(target=compute, daemon=True) for _ in range(2)]
for thread in threads:
    thread.start()
failed = 0
endpoints = free_endpoints()
for _ in range(12):
    try:
        owner = Owner(endpoints)
    except zmq.ZMQError as error:  # noqa: F821
        assert error.errno == zmq.EADDRINUSE, error  # noqa: F821
        failed += 1
        time.sleep(0.05)
        continue
    if drop == "cycle":
        owner.itself = owner
        del owner
        gc.collect()
    else:
        del owner
stop = True
for thread in threads:
    thread.join()
print("failed", failed, flush=True)

"""Use sockets in threads that block natively: ``pool_threads.py PACKAGE THREAD TRANSPORT``.

PACKAGE is ``zmq`` or ``zmq.green`` (which use our backend), ``zlinkcompat`` or
``zlinkcompat.green``. THREAD is ``pool`` (gevent's thread pool) or ``native`` (a thread that gevent
does not know). The program has to print True three times.
"""

from gevent import monkey

monkey.patch_all()

import importlib  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402

zmq = importlib.import_module(sys.argv[1])
thread, transport = sys.argv[2:]
allocate_lock = monkey.get_original("_thread", "allocate_lock")
start_new_thread = monkey.get_original("_thread", "start_new_thread")
GUARD = 20
MESSAGES = [b"%d" % number for number in range(10)]


def start(function):
    """Run ``function`` in a thread; return a function that waits until the thread has ended."""
    if thread == "pool":
        return gevent.get_hub().threadpool.spawn(function).get
    ended = gevent.get_hub().loop.async_()
    waiter = gevent.event.Event()
    ended.start(waiter.set)

    def work():
        try:
            function()
        finally:
            ended.send()

    start_new_thread(work, ())
    return waiter.wait


def endpoint():
    return {"tcp": "tcp://127.0.0.1:*", "ipc": "ipc://*", "inproc": "inproc://x"}[transport]


context = zmq.Context()
gate = allocate_lock()
gate.acquire()

# First check: messages that a thread sends before it blocks arrive while it is blocked.
pull = context.socket(zmq.PULL)
pull.rcvtimeo = GUARD * 1000
pull.bind(endpoint())
address = pull.last_endpoint


def tell():
    push = context.socket(zmq.PUSH)
    push.connect(address)
    for message in MESSAGES:
        push.send(message)
    push.close()
    gate.acquire()


join = start(tell)
print([pull.recv() for _ in MESSAGES] == MESSAGES)
gate.release()
join()
pull.close()


# Second and third check: a server in a thread answers, and term() does not wait for the sockets
# that the thread has closed.
def serve():
    rep = context.socket(zmq.REP)
    rep.rcvtimeo = GUARD * 1000
    rep.bind(endpoint())
    addresses.append(rep.last_endpoint)
    bound.send()
    rep.send(rep.recv())
    rep.close()


addresses = []
waiter = gevent.event.Event()
bound = gevent.get_hub().loop.async_()
bound.start(waiter.set)
join = start(serve)
waiter.wait()
req = context.socket(zmq.REQ)
req.rcvtimeo = GUARD * 1000
req.connect(addresses[0])
req.send(b"question")
print(req.recv() == b"question")
join()
req.close()
with gevent.Timeout(GUARD, False):
    context.term()
print(context.closed)

"""Programs use the thread engine from several native threads and processes."""

import pytest


def test_inproc_between_threads_is_by_reference(threaded):
    assert (
        threaded("""
context = zmq.Context()
a, b = pair(context, zmq.PAIR, zmq.PAIR, "inproc://a")
body = bytes(100000)
got = []
reader = start(lambda: got.append(a.recv()))
b.send(body)
reader.join()
say(got[0] is body)
context.destroy()
""").ends()
        == "True\n"
    )


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:*", "inproc://front"])
def test_two_hundred_threads(endpoint, threaded):
    """Two hundred threads send requests through a proxy to a pool of workers.

    A second round must not hold more resources than the first.
    """
    assert (
        threaded(
            """
context = zmq.Context()
front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
front.bind(sys.argv[1])
back.bind("inproc://back")
real = front.last_endpoint
def until_terminated(work, *sockets):
    try:
        work()
    except zmq.ContextTerminated:
        for sock in sockets:
            sock.close(0)
def worker():
    sock = context.socket(zmq.REP)
    sock.connect("inproc://back")
    def work():
        while True:
            sock.send(sock.recv())
    until_terminated(work, sock)
def client(number):
    with context.socket(zmq.REQ) as sock:
        sock.connect(real)
        for count in range(5):
            message = b"%d %d" % (number, count)
            sock.send(message)
            assert sock.recv() == message
pool = [start(worker) for _ in range(4)]
pool.append(start(until_terminated, lambda: zmq.proxy(front, back), front, back))
held = []
for _ in range(3):
    for thread in [start(client, number) for number in range(200)]:
        thread.join()
    deadline = time.time() + 30
    while held and descriptors() > held[0] and time.time() < deadline:
        time.sleep(0.01)
    held.append(descriptors())
context.term()
for thread in pool:
    thread.join()
say(held[-1] <= held[0])
""",
            endpoint,
        ).ends(patience=30)
        == "True\n"
    )


def test_socket_is_handed_from_thread_to_thread(threaded):
    assert (
        threaded("""
context = zmq.Context()
a, b = pair(context, zmq.PULL, zmq.PUSH)
made = []
start(lambda: made.append(context.socket(zmq.PUSH))).join()
start(made[0].connect, a.last_endpoint).join()
start(made[0].send, b"1").join()
say(a.recv())
context.destroy()
""").ends()
        == "b'1'\n"
    )


def test_pool_of_threads_with_a_context_each(threaded):
    assert (
        threaded("""
from concurrent.futures import ThreadPoolExecutor
def serve():
    try:
        while True:
            rep.send(rep.recv())
    except zmq.ContextTerminated:
        rep.close(0)
context = zmq.Context()
rep = context.socket(zmq.REP)
rep.bind("tcp://127.0.0.1:*")
endpoint = rep.last_endpoint
server = start(serve)
before = descriptors(), tasks()
own = threading.local()
def begin():
    own.context = zmq.Context()
    own.req = own.context.socket(zmq.REQ)
    own.req.rcvtimeo = 30_000
    own.req.connect(endpoint)
def ask(number):
    own.req.send(b"%d" % number)
    return own.req.recv()
with ThreadPoolExecutor(4, initializer=begin) as pool:
    say(list(pool.map(ask, range(200))) == [b"%d" % number for number in range(200)])
    all_four = threading.Barrier(4)
    def end(_):
        all_four.wait()
        own.context.destroy()
    list(pool.map(end, range(4)))
deadline = time.time() + 30
while (descriptors(), tasks()) != before and time.time() < deadline:
    time.sleep(0.001)
say((descriptors(), tasks()) == before)
context.term()
server.join()
""").ends()
        == "True\nTrue\n"
    )


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_pool_of_processes(method, tmp_path, threaded):
    """Each worker of a process pool creates sockets of its own when it starts."""
    (tmp_path / "work.py").write_text("""
import zlinkcompat as zmq
def begin(endpoint):
    global req
    req = zmq.Context.instance().socket(zmq.REQ)
    req.rcvtimeo = 30_000
    req.connect(endpoint)
def ask(number):
    req.send(b"%d" % number)
    return req.recv()
""")
    assert (
        threaded(
            """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
sys.path.insert(0, sys.argv[1])
import work
context = zmq.Context()
rep = context.socket(zmq.REP)
rep.bind("tcp://127.0.0.1:*")
def serve():
    for _ in range(20):
        rep.send(rep.recv())
server = start(serve)
with ProcessPoolExecutor(1, multiprocessing.get_context(sys.argv[2]), work.begin,
                         (rep.last_endpoint,)) as pool:
    say(list(pool.map(work.ask, range(20))) == [b"%d" % number for number in range(20)])
server.join()
context.destroy()
""",
            tmp_path,
            method,
        ).ends(patience=10)
        == "True\n"
    )


def test_fork_while_another_thread_signals_a_descriptor(threaded):
    """A forked child can close its copy of a descriptor that another thread is signalling.

    The other thread may hold the descriptor's lock at the fork.
    """
    assert (
        threaded("""
context = zmq.Context()
used, closed = context.socket(zmq.PULL), context.socket(zmq.PULL)
descriptors = [used.fd, closed.fd]
from zlinkcompat.core.notifier import Notifier
notifiers = [each for each in gc.get_objects() if isinstance(each, Notifier)]
closed.close()
held, over = threading.Event(), threading.Event()
def hold():
    with notifiers[0].lock, notifiers[1].lock:
        held.set()
        over.wait()
holder = start(hold)
held.wait()
child = os.fork()
if not child:
    signal.alarm(10)
    used.close()
    del used, closed, notifiers
    gc.collect()
    context.term()
    left = [os.path.exists(f"/proc/self/fd/{each}") for each in descriptors]
    os._exit(sum(left))
say(os.waitpid(child, 0)[1])
over.set()
holder.join()
used.fd
context.destroy(linger=0)
""").ends()
        == "0\n"
    )


def test_reliability_crowds():
    """Run ``python -m reliability threads`` and ``churn`` on a small scale."""
    from reliability.crowds import run_churn, run_rounds

    assert run_rounds(20, 20, 2)["failures"] == []
    assert run_churn(0.3)["failures"] == []


def test_fork_with_open_sockets(threaded):
    """A forked child does not touch its parent's sockets, and can use a context of its own."""
    assert (
        threaded("""
context = zmq.Context()
a, b = pair(context, zmq.REP, zmq.REQ)
endpoint = a.last_endpoint
b.send(b"1")
a.recv()
child = os.fork()
if not child:
    own = zmq.Context()
    c = own.socket(zmq.REQ)
    c.connect(endpoint)
    c.send(b"child")
    assert c.recv() == b"child"
    c.close()
    own.term()
    sys.exit(5)
a.send(b"2")
say(b.recv())
a.send(a.recv())
say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
b.send(b"3")
a.recv()
a.send(b"4")
say(b.recv())
context.destroy()
""").ends()
        == "b'2'\n5\nb'4'\n"
    )

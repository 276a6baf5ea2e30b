"""On the thread engine, sockets, contexts and processes end without waiting forever."""

import pytest


def test_term_wakes_all_waiting_calls(threaded):
    assert (
        threaded("""
context = zmq.Context()
woken = []
def wait(name, sock, call):
    try:
        call()
    except zmq.ContextTerminated:
        woken.append(name)
    sock.close(0)
waiting = threading.Barrier(4)
def receiver(name, endpoint, poll):
    sock = context.socket(zmq.PULL)
    sock.bind(endpoint)
    waiting.wait()
    wait(name, sock, sock.poll if poll else sock.recv)
threads = [start(receiver, "recv", "tcp://127.0.0.1:*", False),
           start(receiver, "poll", "tcp://127.0.0.1:*", True),
           start(receiver, "inproc", "inproc://a", False)]
waiting.wait()
context.term()
for thread in threads:
    thread.join()
say(sorted(woken))
""").ends()
        == "['inproc', 'poll', 'recv']\n"
    )


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "context.term"])
def test_exit_with_open_sockets_and_a_waiting_daemon_thread(end, threaded):
    threaded(
        """
context = zmq.Context()
a, b = pair(context, zmq.PULL, zmq.PUSH)
far = context.socket(zmq.PUSH)
far.connect("tcp://127.0.0.1:1")
far.send(b"for nobody")
b.send(b"x")
a.rcvtimeo = -1
begun = threading.Event()
def daemon():
    a.recv()
    begun.set()
    a.recv()
threading.Thread(target=daemon, daemon=True).start()
begun.wait()
%s
"""
        % end
    ).ends()


def test_exit_flushes_sent_messages(threaded, bound):
    import zlinkcompat as zmq

    pull = bound(zmq.PULL)
    threaded(
        """
context = zmq.Context()
sock = context.socket(zmq.PUSH)
sock.connect(sys.argv[1])
for number in range(100):
    sock.send(b"%d" % number)
""",
        pull.last_endpoint.decode(),
    ).ends()
    assert [pull.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]


def test_unreferenced_sockets_are_closed_by_the_collector(threaded):
    assert (
        threaded("""
pair(zmq.Context(), zmq.PULL, zmq.PUSH)
gc.collect()
def settled(*wanted):
    deadline = time.time() + 30
    while (descriptors(), tasks()) > wanted and time.time() < deadline:
        time.sleep(0.01)
    return descriptors(), tasks()
before = settled(descriptors(), 1)
for _ in range(10):
    a, b = pair(zmq.Context(), zmq.PULL, zmq.PUSH)
    b.send(b"x")
    a.recv()
    del a, b
    gc.collect()
say(settled(*before) <= before)
""").ends()
        == "True\n"
    )


def test_contexts_come_and_go_in_many_threads(threaded):
    assert (
        threaded("""
import faulthandler, random
faulthandler.enable()
shared = zmq.Context(3)
before = descriptors(), tasks()
failures = []
def churn(seed):
    rnd = random.Random(seed)
    for count in range(25):
        context = rnd.choice([shared, zmq.Context(), zmq.Context(3)])
        kinds = rnd.choice([(zmq.PULL, zmq.PUSH), (zmq.REP, zmq.REQ), (zmq.PUB, zmq.SUB)])
        a, b = pair(context, *kinds, rnd.choice(["tcp://127.0.0.1:*",
                                                 f"inproc://{seed}/{count}"]))
        try:
            b.send(b"x", zmq.NOBLOCK)
            a.recv()
        except zmq.ZMQError:
            pass
        how = rnd.randrange(3)
        if how == 0 and context is not shared:
            context.destroy(linger=0)
        elif how == 1 and context is not shared:
            ending = start(context.term)
            a.close()
            b.close(linger=10)
            ending.join()
        a.close(0)
        b.close(0)
        if context is not shared:
            context.term()
def guarded(seed):
    try:
        churn(seed)
    except BaseException as error:
        failures.append(repr(error))
for thread in [start(guarded, seed) for seed in range(10)]:
    thread.join()
shared.term()
deadline = time.time() + 30
while (descriptors(), tasks()) > before and time.time() < deadline:
    gc.collect()
    time.sleep(0.01)
say(failures, descriptors() <= before[0], tasks() <= before[1])
""").ends()
        == "[] True True\n"
    )


#: ``come(sock)`` binds a socket and connects a peer to it. The I/O thread accepts the peer, and
#: then waits until ``go_on`` is set.
COMING = """
from zlinkcompat.transports import tcp
accepted, go_on = threading.Event(), threading.Event()
accept = tcp.accept
def slowly(listening):
    found = accept(listening)
    if found is not None:
        accepted.set()
        go_on.wait(30)
    return found
tcp.accept = slowly
def come(sock):
    sock.bind("tcp://127.0.0.1:*")
    port = int(sock.last_endpoint.decode().rpartition(":")[2])
    peer = socket.create_connection(("127.0.0.1", port))
    accepted.wait()
    return peer
"""


@pytest.mark.parametrize("threads", [1, 3])
def test_peer_arriving_while_its_socket_closes(threads, threaded):
    assert (
        threaded(
            COMING
            + """
context = zmq.Context(int(sys.argv[1]))
sock = context.socket(zmq.PULL)
sock.handshake_ivl = 0
peer = come(sock)
# Let the I/O thread go on in the last step of close().
context.core.io_threads.wait_until_processed = go_on.set
sock.close()
context.term()
say(peer.recv(100))
""",
            threads,
        ).ends()
        == "b''\n"
    )


def test_peer_arriving_while_threads_stop_starts_no_threads(threaded):
    assert (
        threaded(
            COMING
            + """
context = zmq.Context(2)
peer = come(context.socket(zmq.PULL))
pool = context.core.io_threads
threads = list(pool.threads)
stopping = start(pool.stop, 30)
while pool.threads:
    time.sleep(0.001)
go_on.set()
stopping.join()
say(pool.threads, [thread.alive for thread in threads])
context.destroy()
"""
        ).ends()
        == "[] [False, False]\n"
    )


def test_all_io_threads_start_or_none(threaded):
    assert (
        threaded("""
from zlinkcompat.engine import threads
begin = threads.start_new_thread
begun = []
def second_fails(*args):
    if len(begun) == 1:
        raise RuntimeError("can't start new thread")
    begun.append(args)
    return begin(*args)
threads.start_new_thread = second_fails
before = tasks()
context = zmq.Context(3)
sock = context.socket(zmq.PULL)
try:
    sock.bind("tcp://127.0.0.1:*")
except zmq.Again as error:
    say(error.__cause__)
while tasks() > before:
    time.sleep(0.001)
threads.start_new_thread = begin
sock.bind("tcp://127.0.0.1:*")
context.destroy()
""").ends()
        == "can't start new thread\n"
    )

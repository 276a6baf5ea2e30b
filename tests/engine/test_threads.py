"""The thread engine, in programs of their own: native threads that have no hub."""

import pytest

HELPERS = """
import gc, signal, socket, threading, warnings
warnings.simplefilter("ignore", ResourceWarning)
# Python 3.12 warns of a fork beside I/O threads.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
def pair(context, one, other, endpoint="tcp://127.0.0.1:*"):
    a, b = context.socket(one), context.socket(other)
    for sock in (a, b):
        sock.rcvtimeo = sock.sndtimeo = 30_000
    a.bind(endpoint)
    b.connect(a.last_endpoint)
    return a, b
def start(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread
def descriptors():
    return len(os.listdir("/proc/self/fd"))
def tasks():
    return len(os.listdir("/proc/self/task"))
"""


@pytest.fixture
def threaded(program):
    """threaded(source, *args): a program whose contexts have I/O threads."""
    return lambda source, *args: program(HELPERS + source, *args, engine="thread")


# -- which engine --------------------------------------------------------------------------


@pytest.mark.parametrize("patch", [False, True], ids=["plain", "patched"])
@pytest.mark.parametrize("engine", ["hub", "thread", "auto", None])
def test_engine_by_environment(engine, patch, program):
    source = """
context = zmq.Context()
a, b = pair(context, zmq.REP, zmq.REQ)
def serve():
    for _ in range(100):
        a.send(a.recv())
server = gevent.spawn(serve) if sys.argv[1] == "hub" else start(serve)
for number in range(100):
    b.send(b"%d" % number)
    assert b.recv() == b"%d" % number
server.join()
from gevent._hub_local import get_hub_if_exists
say(context.core.io_threads is not None, get_hub_if_exists() is not None)
context.destroy()
"""
    threads = engine == "thread" or engine in ("auto", None) and not patch
    one = program(HELPERS + source, "thread" if threads else "hub", patch=patch, engine=engine)
    # Without monkey-patching, no thread of the program gets a hub.
    assert one.ends() == f"{threads} {patch or not threads}\n"


def test_green_always_uses_the_hub(threaded):
    assert (
        threaded("""
import zlinkcompat.green
say(zlinkcompat.green.Context().core.io_threads)
""").ends()
        == "None\n"
    )


def test_unknown_engine_is_refused(program):
    assert (
        "turbo"
        in program(
            """
try:
    zmq.Context()
except ValueError as error:
    say(error)
""",
            engine="turbo",
        ).ends()
    )


def test_no_io_threads(threaded):
    assert (
        threaded("""
context = zmq.Context(io_threads=0)
a, b = pair(context, zmq.PAIR, zmq.PAIR, "inproc://a")
b.send(b"x")
say(a.recv())
try:
    a.bind("tcp://127.0.0.1:*")
except zmq.ZMQError as error:
    say(error.errno == zmq.EMTHREAD)
context.destroy()
""").ends()
        == "b'x'\nTrue\n"
    )


def test_affinity(threaded):
    assert (
        threaded("""
context = zmq.Context(io_threads=3)
sock = context.socket(zmq.PUSH)
for number in (0, 2, 2):
    sock.affinity = 1 << number
    sock.connect("tcp://127.0.0.1:1")
    sock.connect("ipc:///nowhere%d" % number)
say([len(thread.engine.owned) for thread in context.core.io_threads.threads])
sock.affinity = 8
try:
    sock.connect("tcp://127.0.0.1:2")
except zmq.ZMQError as error:
    say(error.errno == zmq.EMTHREAD)
context.destroy(linger=0)
""").ends()
        == "[2, 0, 4]\nTrue\n"
    )


# -- messages ------------------------------------------------------------------------------


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
    """REQ/REP through a proxy to a pool of workers; the next round needs no more than the first."""
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
    """The sockets of a worker are its own, and are created when it starts."""
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
    """It may hold the descriptor's lock just then; the child must still close its copy."""
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


def test_busy_publisher_serves_late_subscribers(threaded):
    assert (
        threaded("""
context = zmq.Context()
pub = context.socket(zmq.PUB)
pub.bind("tcp://127.0.0.1:*")
done = []
def subscribe():
    with context.socket(zmq.SUB) as sub:
        sub.rcvtimeo = 30_000
        sub.subscribe(b"")
        sub.connect(pub.last_endpoint)
        done.append(len([sub.recv() for _ in range(1000)]))
subscribers = [start(subscribe) for _ in range(3)]
while any(thread.is_alive() for thread in subscribers):
    pub.send(b"x")
say(done)
context.destroy(linger=0)
""").ends()
        == "[1000, 1000, 1000]\n"
    )


@pytest.mark.parametrize("pattern", ["PULL", "SUB"])
def test_computing_thread_keeps_its_heartbeats_and_messages(pattern, threaded):
    assert (
        threaded(
            """
context = zmq.Context()
subscribes = sys.argv[1] == "SUB"
kinds = (zmq.SUB, zmq.XPUB) if subscribes else (zmq.PULL, zmq.PUSH)
a, b = map(context.socket, kinds)
if subscribes:
    a.subscribe(b"")
for sock in (a, b):
    sock.heartbeat_ivl, sock.heartbeat_timeout = 50, 300
b.bind("tcp://127.0.0.1:*")
events = b.get_monitor_socket(zmq.EVENT_DISCONNECTED)
a.connect(b.last_endpoint)
if subscribes:
    b.recv()
for number in range(500):
    b.send(b"%d" % number)
deadline = time.time() + 0.7
while time.time() < deadline:
    sum(range(1000))
say(events.poll(0), [a.recv() for _ in range(500)] == [b"%d" % number for number in range(500)])
b.disable_monitor()
context.destroy(linger=0)
""",
            pattern,
        ).ends()
        == "0 True\n"
    )


def test_io_thread_resumes_after_busy_polling(threaded):
    """The I/O thread pauses its watcher while the application thread busy-polls the connection.

    When the polling stops, the I/O thread resumes: it reports the peer's disconnect.
    """
    assert (
        threaded("""
# Poll for longer than a crowded machine delays the server. By default, the client would sleep.
os.environ["ZLINK_BUSY_POLL"] = "100000"
ready, told = os.pipe()
if not os.fork():
    server = zmq.Context().socket(zmq.REP)
    server.bind("tcp://127.0.0.1:*")
    os.write(told, server.last_endpoint)
    for question in iter(server.recv, b"end"):
        server.send(question)
    os._exit(0)
from zlinkcompat.engine.loop import CAN_BUSY_POLL
from zlinkcompat._runtime.compiled import COMPILED
client = zmq.Context().socket(zmq.REQ)
client.linger = 0
client.connect(os.read(ready, 99).decode())
events = client.get_monitor_socket(zmq.EVENT_DISCONNECTED)
client.send(b"")
client.recv()
while not client.core.receiver.paused_connections and CAN_BUSY_POLL and COMPILED:
    client.send(b"")
    client.recv()
client.send(b"end")
os.wait()
say(events.poll(30_000), client.core.receiver.paused_connections)
client.disable_monitor()
client.close()
""").ends()
        == "1 []\n"
    )


def test_poll_with_descriptors(threaded):
    assert (
        threaded("""
context = zmq.Context()
a, b = pair(context, zmq.PULL, zmq.PUSH)
one, other = socket.socketpair()
poller = zmq.Poller()
poller.register(a, zmq.POLLIN)
poller.register(one, zmq.POLLIN)
say(poller.poll(10))
start(b.send, b"x").join()
say(poller.poll(30_000) == [(a, zmq.POLLIN)], a.recv())
timer = threading.Timer(0.05, other.send, [b"x"])
timer.start()
say(poller.poll(30_000) == [(one.fileno(), zmq.POLLIN)])
context.destroy()
""").ends()
        == "[]\nTrue b'x'\nTrue\n"
    )


# -- signals -------------------------------------------------------------------------------


@pytest.mark.parametrize("wait", [
    "a.recv()", "b.send(b'x')", "a.poll()", "poller.poll()", "zmq.proxy(a, b)",
    "zmq.proxy_steerable(a, b, None, None)", "zmq.backend.monitored_queue(a, b, c)",
    "zmq.zmq_poll([(one.fileno(), zmq.POLLIN), (a, zmq.POLLIN)])",
])  # fmt: skip
def test_signals_in_a_wait(wait, threaded):
    """Handlers run at once and the wait goes on; Ctrl-C ends it."""
    one = threaded(
        """
context = zmq.Context()
a, b, c = context.socket(zmq.PULL), context.socket(zmq.PUSH), context.socket(zmq.PUB)
a.bind("tcp://127.0.0.1:*")
b.bind("tcp://127.0.0.1:*")
one, other = socket.socketpair()
poller = zmq.Poller()
poller.register(a, zmq.POLLIN)
handled = []
signal.signal(signal.SIGUSR1, lambda *_: handled.append(1))
def interrupt():
    # The main thread sleeps by then; were it late, this would only show less.
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGUSR1)
    while not handled:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)
try:
    start(interrupt)
    %s
except KeyboardInterrupt:
    say("interrupted", len(handled))
context.destroy(linger=0)
"""
        % wait
    )
    assert one.ends() == "interrupted 1\n"


# -- ends ----------------------------------------------------------------------------------


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


#: come(sock): bind it and be its peer; the I/O thread continues with the peer when told to.
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
# The last step of close().
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


def test_reliability_crowds():
    """``python -m reliability threads`` and ``churn``, on a small scale."""
    from reliability.crowds import run_churn, run_rounds

    assert run_rounds(20, 20, 2)["failures"] == []
    assert run_churn(0.3)["failures"] == []


# -- fork ----------------------------------------------------------------------------------


def test_fork_with_open_sockets(threaded):
    """The child leaves its parent's sockets alone, and gets a context of its own at once."""
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


# -- calls that must not wait --------------------------------------------------------------


@pytest.mark.parametrize("way", ["recv", "poll", "events", "zmq_poll"])
def test_repeated_calls_find_what_their_own_thread_has_sent(way, threaded):
    """The loop keeps the GIL until the end of a switch interval, which here never comes."""
    source = """
context = zmq.Context()
pull, push = pair(context, zmq.PULL, zmq.PUSH)
ready = {
    "recv": lambda: True,
    "poll": lambda: pull.poll(0),
    "events": lambda: pull.events & zmq.POLLIN,
    "zmq_poll": lambda: zmq.zmq_poll([(pull, zmq.POLLIN)], 0),
}[sys.argv[1]]
sys.setswitchinterval(30)
tries = 0
for _ in range(20):
    for number in range(10):
        push.send(b"%d" % number)
    got = [pull.recv()]
    while len(got) < 10:
        tries += 1
        if ready():
            try:
                got.append(pull.recv(zmq.NOBLOCK))
            except zmq.Again:
                pass
    assert got == [b"%d" % number for number in range(10)], got
say(tries < 100_000)
context.destroy()
"""
    assert threaded(source, way).ends() == "True\n"

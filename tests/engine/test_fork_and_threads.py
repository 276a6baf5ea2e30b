"""A forked child does not touch its parent's connections. Each native thread has its own hub."""

import threading

import gevent
import pytest
from rawpeer import message

import zlinkcompat as zmq

BODY = b"y" * 3000000

#: A server that answers its peers and forks on request. Large answers are still unsent at the fork.
PARENT = """
import gc
import gevent.monkey
from gevent.os import fork_gevent as gevent_fork
if gevent.monkey.is_module_patched("os"):
    # gevent's os.fork() installs its SIGCHLD handler after the first fork. If the first child has
    # ended by then, waiting for it would never return. So install the handler now.
    gevent.get_hub().loop.install_sigchld()
context = zmq.Context()
sock = context.socket(zmq.ROUTER)
sock.bind(sys.argv[1])
say(sock.last_endpoint.decode())
def fork():
    child = {fork}()
    if child:
        say(child)
        return
    {child}
    os._exit(0)
while True:
    name, content = sock.recv_multipart()
    if content == b"fork":
        for _ in range(2):
            sock.send_multipart([name, b"y" * 3000000])
        fork()
    elif content == b"wait":
        sock.send_multipart([name, b"%d" % os.waitpid(-1, 0)[1]])
    else:
        sock.send_multipart([name, content])
"""

CHILDREN = {
    "ends at once": "pass",
    "exits": "sys.exit(0)",
    "lets its hub turn": "gevent.sleep(0.2)",
    "lets its hub turn and exits": "gevent.sleep(0.05); sys.exit(0)",
    "closes": "sock.close(); os._exit(0)",
    "terminates": "context.term(); os._exit(0)",
    "destroys": "context.destroy(0); os._exit(0)",
    "collects garbage": "globals().pop('sock'); globals().pop('context'); gc.collect()",
    "has a context of its own": "talk_to_itself()",
    "has a context of its own and exits": "talk_to_itself(); sys.exit(0)",
}

TALK = """
def talk_to_itself():
    mine = zmq.Context()
    one, other = mine.socket(zmq.REQ), mine.socket(zmq.REP)
    other.bind("tcp://127.0.0.1:*")
    one.connect(other.last_endpoint.decode())
    one.send(b"x")
    other.send(other.recv())
    assert one.recv() == b"x"
    mine.destroy()
"""


@pytest.mark.parametrize("patch", [False, True], ids=["plain", "patched"])
@pytest.mark.parametrize("child", CHILDREN)
def test_child_does_not_disturb_the_connections_of_its_parent(child, patch, program, raw):
    source = TALK + PARENT.format(child=CHILDREN[child], fork="os.fork" if patch else "gevent_fork")
    parent = program(source, "tcp://127.0.0.1:*", patch=patch)
    endpoint = parent.line()
    peer, other = raw(endpoint), raw(endpoint)
    for one in (peer, other):
        one.handshake(b"DEALER")
    peer.send(message(b"fork"))
    parent.line()
    # A child that read or wrote for the parent now would corrupt the streams.
    for number in range(50):
        other.send(message(b"%d" % number))
        assert other.read_message() == [b"%d" % number]
    assert [peer.read_message() for _ in range(2)] == [[BODY]] * 2
    peer.send(message(b"wait"))
    assert peer.read_message() == [b"0"]
    late = raw(endpoint)
    late.handshake(b"DEALER")
    late.send(message(b"late"))
    assert late.read_message() == [b"late"]


def test_child_of_a_plain_fork_does_not_flush_for_its_parent(program, raw):
    """subprocess and multiprocessing fork in this way, without gevent's hooks."""
    source = TALK + PARENT.format(child="sys.exit(0)", fork="os.fork")
    parent = program(source, "tcp://127.0.0.1:*")
    peer = raw(parent.line())
    peer.handshake(b"DEALER")
    peer.send(message(b"fork"))
    parent.line()
    assert [peer.read_message() for _ in range(2)] == [[BODY]] * 2
    peer.send(message(b"wait"))
    assert peer.read_message() == [b"0"]


@pytest.mark.parametrize("child", ["exits", "closes", "destroys", "collects garbage"])
def test_child_does_not_remove_the_file_of_its_parent(child, program, raw, tmp_path):
    path = tmp_path / "socket"
    source = TALK + PARENT.format(child=CHILDREN[child], fork="gevent_fork")
    parent = program(source, f"ipc://{path}")
    endpoint = parent.line()
    peer = raw(endpoint)
    peer.handshake(b"DEALER")
    peer.send(message(b"fork"))
    parent.line()
    for _ in range(2):
        peer.read_message()
    peer.send(message(b"wait"))
    assert peer.read_message() == [b"0"]
    raw(endpoint).handshake(b"DEALER")


#: Programs by name. Before they fork, the hub watches the descriptor of a socket.
WATCHERS = {
    "authenticator": """
from zlinkcompat.auth.thread import ThreadAuthenticator
watching = ThreadAuthenticator(context)
watching.start()
""",
    "select": """
import select
watching = gevent.spawn(select.select, [sock.fileno()], [], [])
gevent.sleep(0)
""",
    "asyncio": """
import asyncio, threading
def run():
    loop = asyncio.new_event_loop()
    loop.add_reader(sock.fileno(), sock.getsockopt, zmq.EVENTS)
    running.append(loop)
    loop.run_forever()
running = []
watching = threading.Thread(target=run, daemon=True)
watching.start()
while not running:
    gevent.sleep(0.001)
""",
    "closed socket": """
import select
watching = gevent.spawn(select.select, [sock.fileno()], [], [])
gevent.sleep(0)
kept = sock
sock.close()
sock = context.socket(zmq.PULL)
sock.bind("tcp://127.0.0.1:*")
""",
}


@pytest.mark.parametrize("watcher", WATCHERS)
def test_fork_with_a_watched_descriptor(watcher, program):
    """No watcher on a closed descriptor is left in the child; libev would abort the process."""
    said = program(
        """
import multiprocessing, warnings
warnings.simplefilter("ignore")
def child(endpoint):
    # Greenlets that were about to run at the fork, such as an authenticator's, run in the child as
    # well. Hide what they print.
    sys.stderr = open(os.devnull, "w")
    mine = zmq.Context()
    push = mine.socket(zmq.PUSH)
    push.connect(endpoint)
    push.send(b"from the child")
    push.close()
    mine.term()
context = zmq.Context()
sock = context.socket(zmq.PULL)
sock.bind("tcp://127.0.0.1:*")
"""
        + WATCHERS[watcher]
        + """
process = multiprocessing.get_context("fork").Process(target=child, args=(sock.last_endpoint,))
process.start()
say(sock.recv())
process.join()
say(process.exitcode)
os._exit(0)
""",
        patch=True,
    ).ends()
    assert said == "b'from the child'\n0\n"


@pytest.mark.parametrize("engine", ["hub", "thread"])
def test_child_does_not_share_the_parents_descriptor(engine, program):
    """A child does not change its parent's descriptor, and may close its own copy of it."""
    said = program(
        """
import select, warnings
warnings.simplefilter("ignore")
context = zmq.Context()
sock, other = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
sock.bind("inproc://a")
other.connect("inproc://a")
fd = sock.fileno()
def readable():
    return bool(select.select([fd], [], [], 0)[0])
sock.getsockopt(zmq.EVENTS)
for message in (False, True):
    if message:
        other.send(b"x")
    before = readable()
    child = os.fork()
    if not child:
        theirs = readable()
        sock.close()
        context.term()
        os._exit(theirs)
    say(before, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), readable())
os._exit(0)
""",
        engine=engine,
    ).ends()
    assert said == "False 0 False\nTrue 0 True\n"


# -- threads -------------------------------------------------------------------------------


@pytest.fixture
def in_threads():
    """``in_threads(f, g)`` runs functions at once, each in a native thread.

    It raises an exception that one of them raised.
    """

    def in_threads(*functions):
        failures = []

        def run(function):
            try:
                function()
            except BaseException as error:
                failures.append(error)
            finally:
                gevent.get_hub().destroy(destroy_loop=True)

        threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            gevent.get_hub().threadpool.apply(thread.join, (20,))
            assert not thread.is_alive()
        if failures:
            raise failures[0]

    return in_threads


def round_trips(count=2000):
    context = zmq.Context()
    server, client = context.socket(zmq.REP), context.socket(zmq.REQ)
    server.bind("tcp://127.0.0.1:*")
    client.connect(server.last_endpoint.decode())
    for sock in (server, client):
        sock.rcvtimeo = sock.sndtimeo = 30_000
    serving = gevent.spawn(lambda: [server.send(server.recv()) for _ in range(count)])
    for number in range(count):
        client.send(b"%d" % number)
        assert client.recv() == b"%d" % number
    serving.get()
    context.destroy()


def test_threads_with_hubs_and_contexts_of_their_own(in_threads):
    in_threads(round_trips, round_trips)


def test_thread_and_main_hub_at_once(in_threads):
    here = gevent.spawn(round_trips)
    in_threads(round_trips)
    here.get()


def test_threads_talk_to_each_other(in_threads):
    """Two threads send each other more messages than kernel buffers and high-water marks hold."""
    count = 5000
    addresses = {}
    ready = threading.Barrier(2, timeout=10)

    def talk(me, other):
        context = zmq.Context()
        source, sink = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        sink.rcvtimeo = source.sndtimeo = 30_000
        sink.bind("tcp://127.0.0.1:*")
        addresses[me] = sink.last_endpoint.decode()
        ready.wait()
        source.connect(addresses[other])
        body = bytes(1000)
        sending = gevent.spawn(lambda: [source.send(b"%d" % n + body) for n in range(count)])
        assert [sink.recv() for _ in range(count)] == [b"%d" % n + body for n in range(count)]
        sending.get()
        context.destroy()

    in_threads(lambda: talk(0, 1), lambda: talk(1, 0))


def test_ended_threads_leave_no_descriptors(in_threads):
    for _ in range(5):
        in_threads(lambda: round_trips(10))


@pytest.mark.parametrize("leaves", ["open", "closed", "destroyed"])
def test_term_does_not_wait_for_an_ended_thread(leaves, program):
    """The messages of a thread that has ended are still written, and the context terminates.

    The program is not monkey-patched and uses the hub engine. The hub of the ended thread cannot
    run any more.
    """
    assert (
        program(
            """
        import threading
        context = zmq.Context()
        pull = context.socket(zmq.PULL)
        pull.rcvtimeo = 30_000
        pull.bind("tcp://127.0.0.1:*")
        kept = []
        connected = threading.Event()
        def work():
            push = context.socket(zmq.PUSH)
            push.bind("tcp://127.0.0.1:*")
            push.connect(pull.last_endpoint)
            push.send(b"0")
            while not connected.is_set():
                gevent.sleep(0.001)
            for number in range(1, 100):
                push.send(b"%d" % number)
            if sys.argv[1] == "closed":
                push.close()
            elif sys.argv[1] == "destroyed":
                gevent.get_hub().destroy(destroy_loop=True)
            kept.append(push)
        for _ in range(3):
            connected.clear()
            thread = threading.Thread(target=work)
            thread.start()
            pull.recv()
            connected.set()
            if sys.argv[1] == "destroyed":
                thread.join()
                continue
            assert [pull.recv() for _ in range(99)] == [b"%d" % n for n in range(1, 100)]
            thread.join()
            assert kept.pop().closed
        pull.close()
        context.term()
        say(threading.active_count())
    """,
            leaves,
            engine="hub",
        ).ends()
        == "1\n"
    )

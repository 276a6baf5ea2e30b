"""I/O threads work beside application threads that compute, poll or wait."""

import pytest


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
    """The I/O thread watches a connection again after the application thread has busy-polled it.

    While the application thread polls, the watcher is paused. Afterwards the I/O thread must
    report the peer's disconnect.
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
while not client.core.receiver.paused_readers and CAN_BUSY_POLL and COMPILED:
    client.send(b"")
    client.recv()
client.send(b"end")
os.wait()
say(events.poll(30_000), client.core.receiver.paused_readers)
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


@pytest.mark.parametrize("wait", [
    "a.recv()", "b.send(b'x')", "a.poll()", "poller.poll()", "zmq.proxy(a, b)",
    "zmq.proxy_steerable(a, b, None, None)", "zmq.backend.monitored_queue(a, b, c)",
    "zmq.zmq_poll([(one.fileno(), zmq.POLLIN), (a, zmq.POLLIN)])",
])  # fmt: skip
def test_signals_in_a_wait(wait, threaded):
    """A signal handler runs at once, and the wait then goes on; Ctrl-C ends the wait."""
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
    # By then the main thread waits. If it were late, the test would only test less.
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


@pytest.mark.parametrize("way", ["recv", "poll", "events", "zmq_poll"])
def test_repeated_calls_find_what_their_own_thread_has_sent(way, threaded):
    """Repeated calls that do not wait find the messages that their own thread has sent.

    A loop of such calls keeps the GIL for a whole switch interval, here 30 s. So the calls
    themselves have to read, or let the I/O thread run.
    """
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

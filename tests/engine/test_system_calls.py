"""Count the system calls per message, and check the debug counters against strace."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from tracing import traced

PROGRAM = """
    import json
    from gevent import monkey
    monkey.patch_all()
    import gevent
    import zlinkcompat as zmq
    from zlinkcompat import debug

    def pair(bound, connected):
        sockets = context.socket(bound), context.socket(connected)
        for socket in sockets:
            socket.busy_poll = 0
        sockets[0].bind("tcp://127.0.0.1:*")
        sockets[1].connect(sockets[0].last_endpoint)
        return sockets

    def flood(count):
        pull, push = pair(zmq.PULL, zmq.PUSH)
        pushing = gevent.spawn(lambda: [push.send(bytes(64)) for _ in range(count)])
        for _ in range(count):
            pull.recv()
        pushing.get()

    def lone(count):
        rep, req = pair(zmq.REP, zmq.REQ)
        answering = gevent.spawn(lambda: [rep.send(rep.recv()) for _ in range(count // 2)])
        for _ in range(count // 2):
            req.send(bytes(64))
            req.recv()
        answering.get()

    with zmq.Context() as context:
        {}
        print(json.dumps(debug.counters()))
"""
READS = ("read", "readv", "recvfrom", "recvmsg")
WRITES = ("write", "writev", "sendto", "sendmsg")
SHAKING = 16  # the handshakes of two connections take at most so many calls


@pytest.fixture
def counts(tmp_path):
    """``counts("flood(9)")`` runs a program under strace.

    It returns the debug counters, and the reads and the writes that strace counted.
    """

    def counts(what):
        log = tmp_path / "log"
        out = traced(
            PROGRAM.format(what), "-yy", "-e", f"trace={','.join(READS + WRITES)}",
            log=log, ZMQ_DEBUG_COUNTERS="1", ZMQ_ASIO_WRITE_BATCHING="1",
        )  # fmt: skip
        # With -yy strace prints the kind of each descriptor, so count only calls on TCP sockets.
        calls = Counter(re.findall(r"^\d+ +(\w+)\(\d+<TCP:\[", log.read_text(), re.MULTILINE))
        return (
            json.loads(out),
            sum(map(calls.get, READS, [0] * 4)),
            sum(map(calls.get, WRITES, [0] * 4)),
        )

    return counts


def test_flood_of_small_messages_shares_calls(counts):
    """Several small messages share one call, even if strace and a busy machine slow the sender."""
    counters, reads, writes = counts("flood(20_000)")
    assert (counters["read_calls"], counters["write_calls"]) == (reads, writes)
    assert counters["messages_in"] == counters["messages_out"] == 20_000
    # Half a call per message. Without strace a batch has 256 messages; strace makes each call take
    # about as long as several sends.
    assert reads < 10_000 and writes < 10_000


def test_lone_message_takes_one_write(counts):
    """Each message takes one write and one read. Few reads find nothing."""
    counters, reads, writes = counts("lone(1_000)")
    assert (counters["read_calls"], counters["write_calls"]) == (reads, writes)
    assert counters["messages_in"] == counters["messages_out"] == 1_000
    assert writes <= 1_000 + SHAKING
    assert reads <= 1_000 * 1.1 + SHAKING


#: System calls per message that the test below allows. A call for each message would be 1. Calls
#: that depend on time, such as those that check for subscriptions, are more frequent on a busy
#: machine.
FEW = 0.25
UNREAD = Path(__file__).parent / "programs" / "unread.py"


@pytest.mark.parametrize("engine", ["hub", "thread"])
@pytest.mark.parametrize("situation", ["unread", "absent", "slow"])
def test_calls_do_not_grow_with_unread_messages(tmp_path, engine, situation):
    """Unread messages cause no more calls, whether the peer reads little or never connects."""
    log = tmp_path / "log"
    program = f"""
        import runpy, sys
        sys.argv[1:] = [{situation!r}]
        runpy.run_path({str(UNREAD)!r}, run_name="__main__")
    """
    patterns, messages = map(int, traced(program, log=log, ZLINK_ENGINE=engine).split())
    names = re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE)
    marks = [place for place, name in enumerate(names) if name == "getppid"]
    assert len(marks) == 2 * patterns
    for first, last in zip(marks[::2], marks[1::2], strict=True):
        calls = Counter(names[first + 1 : last])
        assert calls.total() < FEW * messages, calls

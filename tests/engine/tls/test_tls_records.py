"""Messages arrive in TLS records, also between threads, and connections end correctly."""

import ssl

import certificates
import pytest
from rawpeer import message
from tlspeer import TLS_UNSPECIFIED, port_of
from watching import E

import zlinkcompat as zmq

pytestmark = pytest.mark.both_engines

THREADS = """
import sys, threading
import certificates
import zlinkcompat as zmq

certificates.issued("127.0.0.1", "localhost", "::1")  # create these before threads start

def run(number):
    context = zmq.Context()
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    for each in push, pull:
        each.rcvtimeo = each.sndtimeo = 30000
        each.linger = 0
        certificates.use(each)
    pull.bind("tls://127.0.0.1:*")
    push.connect(pull.last_endpoint)
    body = bytes([number]) * 60000
    for _ in range(100):
        for _ in range(3):
            push.send(body)
        good[number] += sum(pull.recv() == body for _ in range(3))
    context.destroy()

good = [0] * 4
threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
say(*good)
"""


@pytest.mark.parametrize("engine", ["hub", "thread"])
def test_native_threads_receive_only_their_own_messages(program, monkeypatch, engine):
    monkeypatch.setenv("ZLINK_ENGINE", engine)
    assert program(THREADS).line() == "300 300 300 300"


BOTH_WAYS = """
import threading
import certificates
import zlinkcompat as zmq

COUNT = 1000

def body(number):
    return (b"%d " % number).ljust(number * 37 % 30000, b"x")

def run(sock):
    numbers = iter(range(COUNT))
    for number in range(COUNT):
        sock.send(body(number))
        while sock.poll(0):
            assert sock.recv() == body(next(numbers))
    for number in numbers:
        assert sock.recv() == body(number)
    done.append(sock)

context = zmq.Context()
one, other = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
for each in one, other:
    each.rcvtimeo = 30000
    each.sndhwm = each.rcvhwm = 0
    each.heartbeat_ivl = 1  # ms, so that the I/O thread writes as well
    each.heartbeat_timeout = 30000
    certificates.use(each)
one.bind("tls://127.0.0.1:*")
other.connect(one.last_endpoint)
done = []
thread = threading.Thread(target=run, args=(one,))
thread.start()
run(other)
thread.join()
say(len(done))
context.destroy(linger=0)
"""


def test_reading_and_writing_at_the_same_time_over_tls(program):
    assert program(BOTH_WAYS, engine="thread").line() == "2"


def test_message_before_garbage_is_delivered_without_an_alert(pull, tls_peer):
    sock = pull()
    client = tls_peer(sock)
    client.handshake(b"PUSH", b"PULL")
    rubbish = b"\x17\x03\x03\0\x20" + bytes(32)
    client.peer.send(client.said(message(b"last")) + rubbish)
    client.peer.reset()
    assert sock.recv() == b"last"


def test_garbage_is_reported_even_if_the_alert_is_lost(pull, raw, monitor):
    sock = pull()
    watch = monitor(sock)
    peer = raw(f"tcp://127.0.0.1:{port_of(sock)}")
    watch.wait_for(E.ACCEPTED)
    peer.send(b"\x16\x03\x01\0\x05\x01\0\0\x01\0")
    peer.reset()
    reason = watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL, E.HANDSHAKE_FAILED_NO_DETAIL)
    assert reason == TLS_UNSPECIFIED


def test_close_notify_ends_the_connection(pull, tls_peer):
    """A close_notify ends the connection, even if it arrives together with a message."""
    sock = pull()
    client = tls_peer(sock)
    client.handshake(b"PUSH", b"PULL")
    client.tls.write(message(b"last"))
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    client.peer.send(client.outgoing.read())
    assert sock.recv() == b"last"
    client.peer.read_to_end()


@pytest.mark.hub
def test_batched_small_messages_are_one_record(make, tls_peer, phases):
    phases.set(batch_time=10_000_000)  # the batch is flushed only when the hub runs
    push = make(zmq.PUSH, linger=0)
    certificates.use(push)
    push.bind("tls://127.0.0.1:*")
    client = tls_peer(push)
    client.handshake(b"PULL", b"PUSH")
    for _ in range(41):
        push.send(b"x" * 20)
    sizes = [len(client.record()) for _ in range(2)]
    assert sizes[0] < 100 and 40 * 22 < sizes[1] < 40 * 22 + 100

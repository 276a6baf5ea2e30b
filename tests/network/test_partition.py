"""Requests, publications and pipelines behave as on libzmq when the network is partitioned.

Two network namespaces are the hosts, and the test pulls and plugs the cable between them.
"""

import json

import pytest
from hosts import HEAD

#: Milliseconds between two PINGs, and milliseconds without traffic after which a peer is dead.
HEARTBEAT = 100
SILENCE = 1000

#: Answers requests and publishes endlessly. It collects pipeline messages until the test asks for
#: them.
SERVER = (
    HEAD
    + """
rep, pub, pull = make(zmq.REP), make(zmq.PUB), make(zmq.PULL)
for port, sock in enumerate((rep, pub, pull), 5001):
    sock.bind("tcp://10.97.0.1:%d" % port)
dead = pull.get_monitor_socket(zmq.EVENT_DISCONNECTED)
say("bound")
got, number, losses = [], 0, 0
poller = zmq.Poller()
for sock in (rep, pull, dead):
    poller.register(sock, zmq.POLLIN)
while True:
    ready = dict(poller.poll(20))
    if rep in ready:
        rep.send(rep.recv())
    if pull in ready:
        got.append(pull.recv().decode())
    if dead in ready:
        dead.recv_multipart()
        losses += 1
    pub.send(b"tick %d" % number)
    number += 1
    if got and got[-1] == "end":
        say(json.dumps([got, losses]))
        break
sys.stdin.readline()
"""
)

CLIENT = (
    HEAD
    + """
req, sub, push = make(zmq.REQ, req_relaxed=1, req_correlate=1), make(zmq.SUB), make(zmq.PUSH)
sub.subscribe(b"tick")
monitor = push.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED)
for port, sock in enumerate((req, sub, push), 5001):
    sock.connect("tcp://10.97.0.1:%d" % port)
until(monitor, zmq.EVENT_HANDSHAKE_SUCCEEDED)

def asked(text, times):
    # Return whether the answer is right, or "silence" if no answer came in ``times`` attempts.
    for _ in range(times):
        req.send(text)
        try:
            return req.recv() == text
        except zmq.Again:
            pass
    return "silence"

def ticks():
    try:
        return int(sub.recv()[5:])
    except zmq.Again:
        return None

assert asked(b"before", 100) is True
before = next(tick for tick in iter(ticks, "") if tick is not None)
push.send(b"before")
say("met")
command()
silence = until(monitor, zmq.EVENT_DISCONNECTED)
while ticks() is not None:
    pass
during = asked(b"during", 3), ticks()
for word in (b"one", b"two"):
    push.send(word)
say(json.dumps([silence, during]))
command()
until(monitor, zmq.EVENT_HANDSHAKE_SUCCEEDED)
after = asked(b"after", 100)
later = next(tick for tick in iter(ticks, "") if tick is not None)
push.send(b"end")
say(json.dumps([after, later > before + 10]))
sys.stdin.readline()
"""
)


@pytest.mark.parametrize("library", ["zmq", "zlinkcompat"])
def test_sockets_recover_after_a_partition(hosts, program, library):
    server_host, client_host, pull, plug = hosts
    server = program(SERVER, server_host, HEARTBEAT, SILENCE, library=library)
    assert server.line() == "bound"
    client = program(CLIENT, client_host, HEARTBEAT, SILENCE, library=library)
    assert client.line() == "met"
    pull()
    client.tell("1")
    silence, during = json.loads(client.line())
    # The heartbeats have detected this, and not a TCP timeout, which takes minutes.
    assert silence < 10
    # During the partition no answer or publication arrives, but the REQ may send again.
    assert during == ["silence", None]
    plug()
    client.tell("1")
    assert json.loads(client.line()) == [True, True]
    got, losses = json.loads(server.line())
    # Messages that were accepted during the partition arrive over the next connection.
    assert got == ["before", "one", "two", "end"]
    assert losses == 1  # the server's own heartbeats have detected the partition as well
    for one in (server, client):
        one.tell()
        one.ends()

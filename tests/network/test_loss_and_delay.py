"""Over a line that delays and loses packets, every message arrives exactly once.

Two network namespaces are the hosts. A program delays and drops their packets, since not every
kernel has ``tc netem``, which does the same.
"""

import json
import os

import pytest
from hosts import HEAD, ip
from test_partition import HEARTBEAT, SERVER

DELAY = 0.01  # seconds in each direction
LOSS = 0.05  # share of the packets in each direction
PATIENCE = 5000  # milliseconds; TCP repeats a lost packet after 200 ms and more

#: The line: it has a device at each host, and passes packets on to the other host or drops them.
LINE = """
import ctypes, fcntl, heapq, random, select, struct
delay, loss = float(sys.argv[3]), float(sys.argv[4])
TUNSETIFF, TUN, NO_HEADER = 0x400454CA, 1, 0x1000
ends = []
for host in sys.argv[1:3]:
    if ctypes.CDLL(None, use_errno=True).setns(os.open("/run/netns/" + host, os.O_RDONLY), 0):
        raise OSError(ctypes.get_errno(), "setns")
    ends.append(os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK))
    fcntl.ioctl(ends[-1], TUNSETIFF, struct.pack("16sH22x", b"line", TUN | NO_HEADER))
say("laid")
chance, number, lost, passed, under_way = random.Random(7), 0, 0, 0, []
while True:
    wait = max(0, under_way[0][0] - time.monotonic()) if under_way else None
    ready = select.select([*ends, sys.stdin], [], [], wait)[0]
    if sys.stdin in ready:
        break
    now = time.monotonic()
    for end in ready:
        packet = os.read(end, 65536)
        if chance.random() < loss:
            lost += 1
            continue
        number += 1
        heapq.heappush(under_way, (now + delay, number, ends[end == ends[0]], packet))
    while under_way and under_way[0][0] <= now:
        end, packet = heapq.heappop(under_way)[2:]
        try:
            os.write(end, packet)
        except OSError:
            continue  # the device of this host is not up yet
        passed += 1
say(lost, passed)
"""

CLIENT = (
    HEAD
    + """
req, sub, push = make(zmq.REQ, req_relaxed=1, req_correlate=1), make(zmq.SUB), make(zmq.PUSH)
sub.subscribe(b"tick")
for port, sock in enumerate((req, sub, push), 5001):
    sock.connect("tcp://10.97.0.1:%d" % port)

def asked(text):
    # If no answer arrives in time, ask again. REQ_CORRELATE drops late answers.
    while True:
        req.send(text)
        try:
            return req.recv()
        except zmq.Again:
            pass

sub.rcvtimeo = 30_000
questions = [b"%d" % number for number in range(20)]
answers = [asked(text) for text in questions]
ticks = [int(sub.recv()[5:]) for _ in range(20)]
for number in range(100):
    push.send(b"%d" % number)
push.send(b"end")
say(json.dumps([answers == questions, ticks == list(range(ticks[0], ticks[0] + 20))]))
sys.stdin.readline()
"""
)


@pytest.fixture
def line(hosts, program):
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        # Most containers do not allow TUN devices, of which the line consists.
        pytest.skip("/dev/net/tun cannot be opened")
    server, client, _, _ = hosts
    line = program(LINE, server, client, DELAY, LOSS)
    assert line.line() == "laid"
    ip("-n", server, "link", "delete", "cable")  # this deletes both ends
    addresses = ["10.97.0.1", "10.97.0.2"]
    for host, (ours, theirs) in ((server, addresses), (client, reversed(addresses))):
        ip("-n", host, "address", "add", ours, "peer", theirs, "dev", "line")
        ip("-n", host, "link", "set", "line", "up")
    return line


@pytest.mark.parametrize("library", ["zmq", "zlinkcompat"])
def test_messages_arrive_once_and_in_order(hosts, line, program, library):
    server_host, client_host, _, _ = hosts
    server = program(SERVER, server_host, HEARTBEAT, PATIENCE, library=library)
    assert server.line() == "bound"
    client = program(CLIENT, client_host, HEARTBEAT, PATIENCE, library=library)
    assert json.loads(client.line()) == [True, True]
    got, losses = json.loads(server.line())
    assert got == [str(number) for number in range(100)] + ["end"]
    assert losses == 0  # no peer was disconnected
    for one in (server, client):
        one.tell()
        one.ends()
    line.tell()
    lost, passed = map(int, line.ends().split())
    assert 0 < lost < passed

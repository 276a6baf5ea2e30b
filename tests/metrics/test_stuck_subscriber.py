"""The tools show which subscriber of a publisher does not read, and how much it has missed.

The publisher numbers its messages, and the subscribers count what they receive. So the test knows
exactly how many messages were dropped, and the publisher's counters have to say the same.
"""

import json
import os
import subprocess
import sys
from urllib.request import urlopen

import pytest
from process import ROOT
from test_openmetrics import value

from zlinkcompat._cli.control_client import ask

pytestmark = pytest.mark.timeout(240)

PUBLISHER = """
import threading
from zlinkcompat.auth.thread import ThreadAuthenticator

guard = ThreadAuthenticator(context)
guard.start()
guard.configure_plain(passwords={"fast": "1", "stuck": "2"})

feed = context.socket(zmq.PUB)
feed.name = "prices"
feed.plain_server = True
feed.sndhwm = 50
feed.sndbuf = 16384
feed.bind("tcp://127.0.0.1:*")
page = metrics.serve()
say(feed.last_endpoint.decode(), page.url)

number = 0

def send(body=bytes(1000)):
    global number
    number += 1
    feed.send(b"%d %s" % (number, body))

def send_until_told():
    told = []
    threading.Thread(target=lambda: told.append(wait())).start()
    while not told:
        send(b"")
        time.sleep(0.002)

def dropped():
    (record,) = [each for each in metrics.snapshot().sockets if each.name == "prices"]
    return max(peer.drops.get("hwm", 0) for peer in record.peers)

send_until_told()  # until both subscribers are connected

while dropped() < 1000:
    for _ in range(10):
        send()
    time.sleep(0.002)
say(number)

wait()
send_until_told()  # until the stuck subscriber has read everything
send(b"end")
say(number)
wait()
guard.stop()
"""

SUBSCRIBER = """
feed = context.socket(zmq.SUB)
feed.plain_username, feed.plain_password = os.environ["USER_AND_PASSWORD"].encode().split()
feed.rcvhwm = 10
feed.rcvbuf = 16384
feed.subscribe(b"")
feed.connect(os.environ["ENDPOINT"])

def receive():
    number, _, body = feed.recv().partition(b" ")
    return int(number), body

first, _ = receive()
(record,) = metrics.snapshot().sockets
say(first, record.peers[0].local)
received = 1
until = int(wait()) if "stuck" in os.environ["USER_AND_PASSWORD"] else 0
caught_up = False
while True:
    number, body = receive()
    received += 1
    if until and number > until and not caught_up:
        caught_up = True
        say("caught up")
    if body == b"end":
        break
say(received)
wait()  # stay connected
"""


def subscriber(service, name, password, endpoint):
    found = service(SUBSCRIBER, USER_AND_PASSWORD=f"{name} {password}", ENDPOINT=endpoint)
    first, found.address = found.line().split()
    found.first = int(first)
    return found


def peers_of(pid):
    """Return the publisher's peers by user id and its drops, read as ``top`` reads them."""
    (record,) = [each for each in json.loads(ask(pid))["sockets"] if each["name"] == "prices"]
    return {peer["user_id"]: peer for peer in record["peers"]}, record["drops"]


def test_stuck_subscriber_is_named_and_its_drops_are_exact(runtime, service):
    publisher = service(PUBLISHER, ZLINK_CONTROL="1")
    endpoint, page = publisher.line().split()
    fast = subscriber(service, "fast", 1, endpoint)
    stuck = subscriber(service, "stuck", 2, endpoint)
    publisher.tell()
    sent = int(publisher.line())

    peers, drops = peers_of(publisher.pid)
    while peers["stuck"]["oldest_waiting"] < 0.2:
        peers, drops = peers_of(publisher.pid)
    slow = peers["stuck"]
    assert slow["remote"] == stuck.address
    assert slow["waits_for"] == "peer to read"
    assert slow["hwm_out"] == 50 and 0 < slow["queued_out"] <= 50
    assert slow["bytes_waiting"] >= 1000 * slow["queued_out"]
    assert slow["drops"]["hwm"] >= 1000

    # The metrics page and ``top`` show the same numbers. In ``top`` the stuck peer comes first.
    text = urlopen(page).read().decode()
    labels = {"name": "prices", "remote": stuck.address}
    info = {**labels, "user_id": "stuck", "peer_type": "SUB", "mechanism": "PLAIN"}
    assert value(text, "zlinkcompat_peer_info", **info) == 1
    for name, more, expected in (
        ("peer_drops_total", {"reason": "hwm"}, slow["drops"]["hwm"]),
        ("peer_queued_messages", {"direction": "out"}, slow["queued_out"]),
        ("peer_messages_total", {"direction": "out"}, slow["messages_out"]),
        ("peer_waiting_bytes", {}, slow["bytes_waiting"]),
    ):
        assert value(text, f"zlinkcompat_{name}", **labels, **more) == expected
    assert value(text, "zlinkcompat_peer_oldest_waiting_seconds", **labels) >= 0.2
    shown = subprocess.run(
        [sys.executable, "-m", "zlinkcompat", "top", "--once", str(publisher.pid)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
    ).stdout.splitlines()
    _titles, worst = shown[shown.index("Peers, worst first") + 1 :][:2]
    assert worst.split()[:3] == [stuck.address, "stuck", "prices"]
    assert f"{slow['queued_out']}/50" in worst and f"{slow['drops']['hwm']:,}" in worst

    # Messages that were not dropped are still in a queue or in the kernel.
    since = sent - stuck.first + 1
    assert slow["messages_out"] + slow["queued_out"] + slow["drops"]["hwm"] == since

    # Let the stuck subscriber read everything and count it.
    publisher.tell()
    stuck.tell(str(sent))
    assert stuck.line() == "caught up"
    publisher.tell()
    sent = int(publisher.line())
    received = {each: int(each.line()) for each in (fast, stuck)}
    peers, drops = peers_of(publisher.pid)
    while any(each["queued_out"] for each in peers.values()):
        peers, drops = peers_of(publisher.pid)  # repeat until the last write is counted
    missed = 0
    for name, each in (("fast", fast), ("stuck", stuck)):
        lost = peers[name]["drops"].get("hwm", 0)
        assert received[each] + lost == sent - each.first + 1
        assert peers[name]["messages_out"] == received[each]
        assert peers[name]["queued_out"] == peers[name]["bytes_waiting"] == 0
        assert peers[name]["oldest_waiting"] == 0
        missed += lost
    # The messages before the first subscription were dropped as wanted by nobody.
    assert {reason: count for reason, count in drops.items() if count} == {
        "hwm": missed,
        "filter": fast.first - 1,
    }

"""``zlinkcompat top`` prints its tables, or an error that says why it cannot."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from process import ROOT
from records import peer, process, sock

from zlinkcompat._cli import top, top_tables
from zlinkcompat._cli.control_client import NoAnswer

PATIENCE = 60  # seconds

SERVICE = """
feed = context.socket(zmq.PUSH)
feed.sndhwm = 5
feed.bind("tcp://127.0.0.1:*")
late = context.socket(zmq.PUSH)
late.connect("ipc:///nobody/is/here")
for number in range(3):
    late.send(b"waits")
say("ready")
wait()
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "zlinkcompat", "top", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": ROOT},
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def running(runtime, service):
    found = service(SERVICE, ZLINK_CONTROL="1")
    found.line()
    return found


def test_once_prints_peers_and_sockets(running):
    done = run(running.pid, "--once")
    assert (done.returncode, done.stderr) == (0, "")
    first, *lines = done.stdout.splitlines()
    assert first == f"process {running.pid}: 1 context, 2 sockets, 1 peer"
    text = " ".join(done.stdout.split())
    assert "Peers, worst first" in lines and "Sockets" in lines
    assert re.search(r"ipc:///nobody/is/here .*connection .*3/1000", text)


def test_once_json_has_all_records(running):
    done = run("--once", "--json", running.pid)
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert data["pid"] == running.pid and data["format"] == 1
    assert sorted(len(each["peers"]) for each in data["sockets"]) == [0, 1]


def test_reader_of_the_output_may_stop_early(running):
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(
        [sys.executable, "-m", "zlinkcompat", "top", "--once", str(running.pid)],
        stdout=writes,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
    )
    os.close(writes)
    assert (done.returncode, done.stderr) == (1, "")


def test_only_process_needs_no_number(running):
    assert f"process {running.pid}: " in run("--once").stdout


def test_live_view_shows_rates_until_it_is_interrupted(running):
    pytest.importorskip("rich")
    main, child = pty.openpty()
    shown = subprocess.Popen(
        [sys.executable, "-m", "zlinkcompat", "top", str(running.pid), "--interval", "0.05"],
        stdin=child,
        stdout=child,
        stderr=child,
        env={**os.environ, "PYTHONPATH": ROOT, "COLUMNS": "200", "LINES": "40", "TERM": "xterm"},
    )
    os.close(child)
    text = ""
    # The rates appear at the second refresh.
    while "out/s" not in text:
        text += os.read(main, 4096).decode(errors="replace")
    assert "Peers, worst first" in text and "ipc:///nobody/is/here" in text
    shown.send_signal(signal.SIGINT)
    try:
        while os.read(main, 4096):
            pass
    except OSError:
        pass  # the program has closed the other end
    os.close(main)
    assert shown.wait(PATIENCE) == 0


# -- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--once"], 1, "no process of this user has a control socket: start one with ZLINK_"),
        (["--once", str(os.getpid())], 1, "has no control socket: start it with ZLINK_CONTROL=1"),
        (["--once", str(2**22 + 1)], 1, f"no process {2**22 + 1} is running"),
        (["--once", "me"], 2, "invalid int value: 'me'"),
        (["--json"], 2, "--json needs --once"),
        (["--interval", "0"], 2, "invalid positive value: '0'"),
    ],
)
def test_errors_say_what_to_do(runtime, arguments, code, said):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr and "Traceback" not in done.stderr


def test_live_view_needs_a_terminal(running):
    done = run(running.pid)
    assert done.returncode == 1
    assert done.stderr.endswith("top: the live view needs a terminal: use --once\n")


def test_live_view_needs_rich(monkeypatch):
    monkeypatch.setattr(top, "find_spec", lambda name: None)
    with pytest.raises(NoAnswer, match=r"rich: pip install 'zlinkcompat\[top\]', or use --once"):
        top.check_terminal()


def test_several_processes_are_listed(monkeypatch):
    monkeypatch.setattr(top, "processes", lambda: [12, 34])
    with pytest.raises(NoAnswer, match="several processes can be asked: name one of 12, 34"):
        top.only_process()


# -- tables ------------------------------------------------------------------------------------


def cells(table, title):
    """Return the column of a table that has this title."""
    index = [name for name, _ in table.columns].index(title)
    return [row[index] for row in table.rows]


PEER = peer(connection=1, remote="10.0.0.1:5", messages_out=100, drops={"hwm": 10})


def test_rates_are_of_the_time_between_two_looks():
    later = replace(PEER, messages_out=250, drops={"hwm": 13})
    before = process(sock(number=1, peers=(PEER,)), time=100.0)
    now = process(sock(number=1, peers=(later,), messages_in=4), time=101.5)
    rates = top_tables.Rates(now, before)
    table = top_tables.peer_table(now, rates, 20)
    assert cells(table, "out/s") == ["100"]
    assert cells(table, "drops/s") == ["2"]
    assert cells(top_tables.socket_table(now, rates), "in/s") == ["3"]


def test_new_peers_and_other_processes_have_no_rates():
    now = process(sock(number=1, peers=(PEER,)), time=2.0)
    for before in (None, process(time=1.0), replace(now, pid=8, time=1.0), now):
        table = top_tables.peer_table(now, top_tables.Rates(now, before), 20)
        assert cells(table, "out/s") == ["-"]
        assert "out/s" not in [name for name, _ in top_tables.without_empty(table).columns]


def test_worst_peer_of_all_sockets_comes_first():
    slow = peer(connection=9, remote="slow", queued_out=5, hwm_out=5, oldest_waiting=3.0)
    now = process(
        sock(number=1, peers=(peer(connection=1, remote="idle"),)), sock(number=2, peers=(slow,))
    )
    table = top_tables.peer_table(now, top_tables.Rates(now), 1)
    assert cells(table, "peer") == ["slow"]
    assert table.title == "Peers, worst first (1 of 2)"


def test_age_of_unread_messages_is_shown():
    behind = peer(connection=9, remote="x", queued_in=5, hwm_in=50, oldest_unread=3.0)
    now = process(sock(number=1, peers=(behind, peer(connection=1))))
    table = top_tables.peer_table(now, top_tables.Rates(now), 2)
    assert cells(table, "unread") == ["3.0 s", "-"]


def test_text_of_a_peer_cannot_control_the_terminal():
    now = process(sock(number=1, name="a\x1b[31m\n", peers=(peer(remote="\x9b" + "x" * 99),)))
    lines = list(top_tables.plain(top_tables.peer_table(now, top_tables.Rates(now), 1)))
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    assert "a?[31m?" in lines[2] and "..." in lines[2]


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (top_tables.seconds, 7.49, "7.5 s"),
        (top_tables.seconds, 125.0, "2 m 5 s"),
        (top_tables.seconds, 7380.0, "2 h 3 m"),
        (top_tables.size, 1023, "1023 B"),
        (top_tables.size, 1536, "1.5 KiB"),
        (top_tables.size, 5 << 30, "5.0 GiB"),
        (top_tables.reasons, {"hwm": 2, "filter": 1000, "linger": 0}, "filter 1,000, hwm 2"),
    ],
)
def test_numbers_are_readable(function, value, text):
    assert function(value) == text

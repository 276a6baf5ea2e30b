"""The control socket answers only its own user, and never disturbs the program."""

import json
import os
import socket
import stat
import subprocess
import sys

import pytest
from records import peer, process, sock

from zlinkcompat._cli.control_client import NoAnswer, ask, processes
from zlinkcompat.metrics import control_path, json_text

SWITCHED_ON = {"ZLINK_CONTROL": "1"}
PATIENCE = 30  # seconds

WAITS = """
say("ready")
wait()
"""


def path_of(runtime, service):
    return runtime / f"{service.pid}.sock"


def raw_ask(path, data, more_to_come=False):
    """Send any data to the control socket, and return the answer."""
    with socket.socket(socket.AF_UNIX) as asks:
        asks.settimeout(PATIENCE)
        asks.connect(str(path))
        asks.sendall(data)
        if not more_to_come:
            asks.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while part := asks.recv(4096):
                answer += part
        except ConnectionResetError:
            pass  # the control socket was closed before it had read everything
        return answer


# -- switching it on ---------------------------------------------------------------------------


def test_setting_opens_it_with_the_first_context(runtime, service):
    running = service("sink = context.socket(zmq.PULL)" + WAITS, **SWITCHED_ON)
    running.line()
    path = path_of(runtime, running)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    answer = json.loads(ask(running.pid))
    assert (answer["pid"], answer["contexts"]) == (running.pid, 1)
    assert [each["type"] for each in answer["sockets"]] == ["PULL"]
    assert json.loads(ask(running.pid))["pid"] == running.pid  # a second request also works
    assert running.ends() == (0, "", "")
    assert not path.exists()


@pytest.mark.parametrize("environment", [{}, {"ZLINK_CONTROL": "0"}])
def test_it_is_off_by_default(runtime, service, environment):
    running = service(WAITS, **environment)
    running.line()
    assert not runtime.exists()
    with pytest.raises(NoAnswer, match=f"process {running.pid} has no control socket: start it"):
        ask(running.pid)


def test_wrong_setting_is_refused(runtime, service):
    code, _, errors = service(WAITS, ZLINK_CONTROL="yes").ends()
    assert code == 1 and "ValueError: ZLINK_CONTROL='yes'" in errors


def test_signal_opens_it(runtime, service):
    running = service(
        """
        paths = []

        def handler(*args):
            paths.append(metrics.open_control(*args))

        signal.signal(signal.SIGUSR2, handler)
        say("ready")
        # Sleep in short calls, since a signal that arrives just before a call is handled after it.
        while not paths:
            time.sleep(0.001)
        say("open")
        wait()
        """
    )
    running.line()
    os.kill(running.pid, 12)
    assert running.line() == "open"
    assert json.loads(ask(running.pid))["contexts"] == 1


def test_signal_may_come_while_gevent_is_imported(runtime, service):
    running = service(
        """
        opened = []

        class Interrupts:
            def find_spec(self, name, *_):
                if name.startswith("gevent"):
                    signal.raise_signal(signal.SIGUSR2)

        def handler(*args):
            opened.append(metrics.open_control(*args))
            metrics.close_control()

        signal.signal(signal.SIGUSR2, handler)
        sys.meta_path.insert(0, Interrupts())
        import gevent
        gevent.get_hub().resolver
        gevent.sleep(0)
        import gevent.pywsgi
        sys.meta_path.pop(0)
        metrics.open_control()
        say(len(opened))
        wait()
        """
    )
    assert int(running.line()) > 2
    assert json.loads(ask(running.pid))["contexts"] == 1
    assert running.ends() == (0, "", "")


def test_function_opens_and_closes_it(runtime, service):
    running = service(
        """
        path = metrics.open_control()
        assert path == metrics.open_control()
        say(path)
        wait()
        metrics.close_control()
        metrics.close_control()
        say("closed")
        wait()
        say(metrics.open_control())
        wait()
        """
    )
    path = path_of(runtime, running)
    assert running.line() == str(path)
    assert ask(running.pid)
    running.tell()
    running.line()
    assert not path.exists()
    running.tell()
    assert running.line() == str(path)
    assert ask(running.pid)
    assert processes() == [running.pid]


# -- it does not disturb the program -------------------------------------------------------------


def test_hub_still_notices_that_all_greenlets_wait_forever(runtime, service):
    running = service(
        """
        if "gevent.monkey" in sys.modules:
            from gevent.event import Event
            from gevent.exceptions import LoopExit
            try:
                Event().wait()
            except LoopExit:
                say("LoopExit")
        else:
            say("LoopExit")
        """,
        **SWITCHED_ON,
    )
    assert running.ends() == (0, "LoopExit\n", "")


def test_forked_child_leaves_the_socket_to_its_parent(runtime, service):
    running = service(
        """
        pid = os.fork()
        if pid == 0:
            sys.exit(0)
        os.waitpid(pid, 0)
        say("ready")
        wait()
        """,
        **SWITCHED_ON,
    )
    running.line()
    assert path_of(runtime, running).exists()
    assert json.loads(ask(running.pid))["pid"] == running.pid
    assert [each.name for each in runtime.iterdir()] == [f"{running.pid}.sock"]


def test_forked_child_opens_its_own_with_its_first_context(runtime, service):
    running = service(
        """
        pid = os.fork()
        if pid == 0:
            with zmq.Context() as own:
                say(os.getpid())
                wait()
            sys.exit(0)
        os.waitpid(pid, 0)
        say("over")
        wait()
        """,
        **SWITCHED_ON,
    )
    child = int(running.line())
    assert json.loads(ask(child))["pid"] == child
    running.tell()
    assert running.line() == "over"
    assert [each.name for each in runtime.iterdir()] == [f"{running.pid}.sock"]
    assert json.loads(ask(running.pid))["pid"] == running.pid


def test_child_made_by_a_parent_that_closes_it_does_not_keep_it(runtime, service):
    running = service(
        """
        pid = os.fork()
        if pid == 0:
            signal.pause()
        metrics.close_control()
        say(pid)
        wait()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        """,
        **SWITCHED_ON,
    )
    child = int(running.line())
    for pid in (child, running.pid):
        with pytest.raises(NoAnswer, match="has no control socket"):
            ask(pid)
    assert running.ends()[0] == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: folder.mkdir(mode=0o755),
        lambda folder: folder.symlink_to(folder.parent),
        lambda folder: folder.touch(),
    ],
    ids=["others may read it", "link", "file"],
)
def test_directory_that_is_not_private_is_not_used(runtime, service, spoil):
    spoil(runtime)
    running = service(
        """
        import logging
        logging.basicConfig(format="%(levelname)s %(message)s")
        zmq.Context()
        try:
            metrics.open_control()
        except OSError as error:
            say(error)
        """,
        **SWITCHED_ON,
    )
    code, said, _ = running.ends()
    assert code == 0 and "must be a directory of user" in said
    assert not path_of(runtime, running).exists()


def test_path_that_is_too_long_is_only_logged(runtime, service, monkeypatch):
    long = runtime.parent / ("x" * 100)
    long.mkdir()
    running = service(WAITS, XDG_RUNTIME_DIR=str(long), **SWITCHED_ON)
    assert running.line() == "ready"
    assert list((long / "zlinkcompat").iterdir()) == []


# -- clients -------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"snapshot", b"more\n", b"x" * 100_000, b"\n", b"", bytes(64)])
def test_other_requests_get_no_snapshot(runtime, service, data):
    running = service(WAITS, **SWITCHED_ON)
    running.line()
    assert raw_ask(path_of(runtime, running), data) in (b"", b'{"error": "unknown request"}\n')
    assert ask(running.pid)


def test_silent_clients_are_given_up(runtime, service):
    """A client that sends no complete request is disconnected after ``PATIENCE`` seconds.

    Clients are served one at a time, so other clients get their answer then.
    """
    running = service(
        "from zlinkcompat.metrics import control\ncontrol.PATIENCE = 0.3" + WAITS,
        **SWITCHED_ON,
    )
    running.line()
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as slow:
        silent.connect(str(path_of(runtime, running)))
        slow.connect(str(path_of(runtime, running)))
        slow.sendall(b"snap")
        assert ask(running.pid)
        assert silent.recv(1) == slow.recv(1) == b""


def test_client_that_leaves_does_not_end_it(runtime, service):
    running = service(WAITS, **SWITCHED_ON)
    running.line()
    for data in (b"", b"snapshot\n"):
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as leaves:
                leaves.connect(str(path_of(runtime, running)))
                leaves.sendall(data)
    assert ask(running.pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_refused(runtime, service):
    """Another user is refused even if the permissions of the file and its folder allow access."""
    running = service(WAITS, **SWITCHED_ON)
    running.line()
    path = path_of(runtime, running)
    for each in (path, runtime, runtime.parent):
        each.chmod(0o777)
    program = """
import os, socket, sys
asks = socket.socket(socket.AF_UNIX)
os.setuid(int(sys.argv[2]))
asks.connect(sys.argv[1])
try:
    asks.sendall(b"snapshot\\n")
    print(len(asks.recv(10)))
except (BrokenPipeError, ConnectionResetError):
    print(0)
"""
    for user, received in ((os.geteuid(), "10\n"), (65534, "0\n")):
        done = subprocess.run(
            [sys.executable, "-c", program, path, str(user)], capture_output=True, text=True
        )
        assert done.stdout == received, done.stderr


def test_other_users_process_is_named(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 65533)
    with pytest.raises(NoAnswer, match=f"process {os.getpid()} belongs to user "):
        ask(os.getpid())


def test_missing_process_is_named():
    for number in (2**22 + 1, 2**70):
        with pytest.raises(NoAnswer, match=f"no process {number} is running"):
            ask(number)


def test_socket_of_a_killed_process_is_recognized(runtime, service):
    running = service(WAITS, **SWITCHED_ON)
    running.line()
    running.process.kill()
    running.process.wait()
    left = path_of(runtime, running)
    assert left.exists() and processes() == []
    # Another process now has the process id of the one that left the file.
    left.rename(runtime / f"{os.getpid()}.sock")
    with pytest.raises(NoAnswer, match="is what an earlier process left"):
        ask(os.getpid())


def test_process_without_runtime_directory_uses_tmp(monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    shared = control_path.shared_directory(os.geteuid())
    assert control_path.own_directory() == shared
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/somewhere")
    assert shared in control_path.directories(os.geteuid())


# -- the answer ----------------------------------------------------------------------------------


def test_json_round_trip():
    ids = (b"", b"worker", b"\x00\x01", b"0x00", b"\xff")
    peers = tuple(
        peer(connection=n, routing_id=each, drops={"hwm": n}, bytes_in=n or None)
        for n, each in enumerate(ids)
    )
    record = process(
        sock(number=1, endpoints=("tcp://127.0.0.1:1",), peers=peers), ended=(sock(number=0),)
    )
    assert json_text.load_process(json_text.dump_process(record)) == record


def test_json_of_other_versions_is_read():
    data = json.loads(json_text.dump_process(process(sock(number=1, peers=(peer(),)))))
    data["newer"] = data["sockets"][0]["newer"] = data["sockets"][0]["peers"][0]["newer"] = 1
    for of in (data["sockets"][0], data["sockets"][0]["peers"][0]):
        del of["drops"], of["messages_in"]
    assert json_text.load_process(json.dumps(data)) == process(sock(number=1, peers=(peer(),)))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"error": "unknown request"}'])
def test_json_of_another_format_is_refused(text):
    with pytest.raises(ValueError):
        json_text.load_process(text)

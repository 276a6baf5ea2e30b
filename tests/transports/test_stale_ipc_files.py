"""A bind to an ``ipc://`` path replaces a stale socket file, and keeps any other file."""

import _socket
import errno
import fcntl
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

import pytest
import zmq
from guard import GUARD
from ipcfiles import in_child, lock_path, refused, stale, start_child

from zlinkcompat.transports import ipc


def test_stale_file_is_replaced(bind, connect, tmp_path):
    stale(tmp_path / "a")
    connect(bind(f"ipc://{tmp_path}/a").endpoint)
    assert os.listdir(tmp_path) == ["a"]


def test_file_of_a_live_owner_is_kept(bind, connect, accept, tmp_path):
    """A file whose owner still listens is kept. libzmq would take the path over."""
    listener = bind(f"ipc://{tmp_path}/a")
    assert "living" in refused(bind, tmp_path / "a")
    assert ipc.accept(listener) is None  # checking for the owner made no connection
    connect(listener.endpoint)
    accept(listener)


def test_file_of_a_live_owner_in_another_process_is_kept(bind, tmp_path):
    with zmq.Context() as context, context.socket(zmq.PULL) as other:
        other.bind(f"ipc://{tmp_path}/a")
        refused(bind, tmp_path / "a")


def test_owner_between_bind_and_listen_is_alive(bind, tmp_path):
    with socket.socket(socket.AF_UNIX) as slow:
        slow.bind(str(tmp_path / "a"))
        refused(bind, tmp_path / "a")


def test_datagram_owner_is_alive(bind, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(tmp_path / "a"))
        refused(bind, tmp_path / "a")


def test_other_files_are_kept(bind, tmp_path):
    """Files that are not sockets are kept. libzmq would delete them."""
    (tmp_path / "data").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    (tmp_path / "broken").symlink_to(tmp_path / "none")
    for name in ("data", "link", "broken"):
        assert "not a socket" in refused(bind, tmp_path / name)
    assert (tmp_path / "data").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["broken", "data", "link"]


def test_rival_replaces_the_stale_file_first(bind, connect, accept, tmp_path, monkeypatch):
    """A rival replaces the stale file after we have found it, and before we look for its owner."""
    path = tmp_path / "a"
    stale(path)
    rivals = []

    def has_owner(probe, name):
        if not rivals:
            path.unlink()
            rivals.append(bind(f"ipc://{path}"))
        return plain(probe, name)

    plain = ipc._has_owner
    monkeypatch.setattr(ipc, "_has_owner", has_owner)
    assert "living" in refused(bind, path)
    assert os.listdir(tmp_path) == ["a"]
    connect(f"ipc://{path}")
    accept(rivals[0])


def test_rival_is_replacing_the_stale_file(bind, tmp_path, monkeypatch):
    path = tmp_path / "a"
    stale(path)
    answers = []

    def take_away(*args):
        if not answers:
            answers.append(refused(bind, path))  # the rival binds while the first holds the lock
        plain(*args)

    plain = ipc._take_away
    monkeypatch.setattr(ipc, "_take_away", take_away)
    bind(f"ipc://{path}")
    assert "just taking" in answers[0]


@pytest.mark.parametrize("moment", ["_identity", "_has_owner"])
def test_stale_file_disappears_meanwhile(moment, bind, tmp_path, monkeypatch):
    path = tmp_path / "a"
    stale(path)
    plain = getattr(ipc, moment)

    def vanish(*args):
        path.unlink(missing_ok=True) if not bound else None
        return plain(*args)

    bound = []
    monkeypatch.setattr(ipc, moment, vanish)
    plain_bind = ipc._bind
    monkeypatch.setattr(ipc, "_bind", lambda *args: bound.append(plain_bind(*args)))
    assert bind(f"ipc://{path}").endpoint == f"ipc://{path}"


def test_one_of_many_concurrent_binds_wins(tmp_path):
    path = tmp_path / "a"
    for _ in range(25):
        stale(path)
        starts, stops = os.pipe(), os.pipe()

        def take():
            os.close(starts[1])
            os.close(stops[1])
            os.read(starts[0], 1)
            sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
            ipc._bind(sock, os.fsencode(path))
            sock.listen(1)
            os.read(stops[0], 1)  # keep listening until the other children have tried

        children = {start_child(take) for _ in range(4)}
        os.close(starts[1])
        for _ in range(3):
            pid, status = os.wait()
            children.remove(pid)
            assert os.waitstatus_to_exitcode(status) == errno.EADDRINUSE
        deadline = time.monotonic() + GUARD
        with socket.socket(socket.AF_UNIX) as client:
            while client.connect_ex(str(path)) and time.monotonic() < deadline:
                time.sleep(0.001)  # the winner may not be listening yet
            client.getpeername()
        os.close(stops[1])
        assert os.waitstatus_to_exitcode(os.waitpid(children.pop(), 0)[1]) == 0
        os.close(starts[0])
        os.close(stops[0])
        path.unlink()


def test_one_of_two_binds_wins_without_a_lock(tmp_path):
    """If the lock file cannot be created, rivals check twice before they remove a stale file."""
    path = tmp_path / "a"
    lock_path(path).mkdir()
    for _ in range(40):
        stale(path)
        starts, stops = os.pipe(), os.pipe()

        def take():
            os.close(starts[1])
            os.close(stops[1])
            os.read(starts[0], 1)
            sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
            ipc._bind(sock, os.fsencode(path))
            sock.listen(1)
            os.read(stops[0], 1)

        children = {start_child(take) for _ in range(2)}
        os.close(starts[1])
        pid, status = os.wait()
        children.remove(pid)
        assert os.waitstatus_to_exitcode(status) == errno.EADDRINUSE
        deadline = time.monotonic() + GUARD
        with socket.socket(socket.AF_UNIX) as client:
            while client.connect_ex(str(path)) and time.monotonic() < deadline:
                time.sleep(0.001)  # the winner may not be listening yet
            client.getpeername()
        os.close(stops[1])
        assert os.waitstatus_to_exitcode(os.waitpid(children.pop(), 0)[1]) == 0
        os.close(starts[0])
        os.close(stops[0])
        assert sorted(os.listdir(tmp_path)) == ["a", "a.zlock"]
        path.unlink()


def squat_abstract_name(path):
    found = path.lstat()
    name = b"\0zlinkcompat stale %d:%d" % (found.st_dev, found.st_ino)
    squatter = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    squatter.bind(name)
    return squatter.close


def lock_the_directory(path):
    fd = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return lambda: os.close(fd)


def put_a_link(path):
    lock_path(path).symlink_to(path.with_name("target"))
    return lock_path(path).unlink


def put_a_fifo(path):
    os.mkfifo(lock_path(path))
    return lock_path(path).unlink


def put_a_directory(path):
    lock_path(path).mkdir()
    return lock_path(path).rmdir


def put_a_hard_link(path):
    target = path.with_name("target")
    target.write_text("precious")
    lock_path(path).hardlink_to(target)

    def undo():
        assert target.read_text() == "precious"
        target.unlink()
        lock_path(path).unlink()

    return undo


@pytest.mark.parametrize(
    "obstruct",
    [
        squat_abstract_name,
        lock_the_directory,
        put_a_link,
        put_a_fifo,
        put_a_directory,
        put_a_hard_link,
    ],
    ids=lambda obstruct: obstruct.__name__,
)
def test_obstructed_path_of_a_dead_server_can_be_bound(obstruct, bind, connect, tmp_path):
    path = tmp_path / "a"
    stale(path)
    undo = obstruct(path)
    try:
        before = sorted(os.listdir(tmp_path))
        connect(bind(f"ipc://{path}").endpoint)
        assert sorted(os.listdir(tmp_path)) == before
    finally:
        undo()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("held", [False, True], ids=["file", "locked"])
def test_lock_file_of_another_user_in_a_sticky_directory(held, options):
    directory = Path(tempfile.mkdtemp(dir="/tmp"))
    path = directory / "a"
    lock = None
    try:
        directory.chmod(0o1777)

        def as_server(work):
            def run():
                os.setuid(65533)
                work()

            return run

        def listen():
            ipc.listen(ipc.parse(str(path), False, True), options())

        assert in_child(as_server(lambda: stale(path))) == 0
        lock = os.open(lock_path(path), os.O_RDWR | os.O_CREAT, 0o666)
        os.chmod(lock_path(path), 0o666)
        os.chown(lock_path(path), 65534, 65534)
        if held:
            fcntl.flock(lock, fcntl.LOCK_EX)
        assert in_child(as_server(listen)) == 0
        assert sorted(os.listdir(directory)) == ["a", "a.zlock"]
    finally:
        if lock is not None:
            os.close(lock)
        shutil.rmtree(directory)


def test_lock_file_is_private_to_its_user(bind, tmp_path, monkeypatch):
    path = tmp_path / "a"
    stale(path)
    modes = []

    def take_away(*args):
        modes.append(lock_path(path).stat().st_mode & 0o777)
        plain(*args)

    plain = ipc._take_away
    monkeypatch.setattr(ipc, "_take_away", take_away)
    bind(f"ipc://{path}")
    assert modes == [0o600]
    assert os.listdir(tmp_path) == ["a"]


def test_lock_file_left_by_a_crash_is_used(bind, tmp_path):
    path = tmp_path / "a"
    stale(path)
    lock_path(path).touch()
    bind(f"ipc://{path}")
    assert os.listdir(tmp_path) == ["a"]


def test_live_file_taken_by_mistake_is_restored(bind, connect, accept, tmp_path, monkeypatch):
    """A live file that was taken for a stale file is put back.

    Without a common lock, a rival may bind between our check and our removal of the stale file.
    """
    path = tmp_path / "a"
    stale(path)
    rivals = []

    def take_away(probe, name, found):
        if not rivals:
            rivals.append(None)
            lock_path(path).unlink()
            rivals.append(bind(f"ipc://{path}"))
        plain(probe, name, found)

    plain = ipc._take_away
    monkeypatch.setattr(ipc, "_take_away", take_away)
    assert "living" in refused(bind, path)
    assert os.listdir(tmp_path) == ["a"]
    connect(f"ipc://{path}")
    accept(rivals[1])


@pytest.mark.parametrize("length", [ipc.MAX_PATH, ipc.MAX_PATH - 16, ipc.MAX_PATH - 17])
def test_stale_file_with_a_long_path_is_replaced(length, bind, connect):
    directory = tempfile.mkdtemp(dir="/tmp")
    path = Path(directory, "a" * (length - len(directory) - 1))
    try:
        stale(path)
        connect(bind(f"ipc://{path}").endpoint)
        assert os.listdir(directory) == [path.name]
    finally:
        shutil.rmtree(directory)

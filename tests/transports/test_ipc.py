import _socket
import errno
import os
import shutil
import socket
import tempfile
import time

import pytest
import zmq
from guard import GUARD

from zlinkcompat.transports import ipc


def stale(path):
    """Leave the socket file of a dead owner."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()


def start_child(work):
    """Fork; the child's exit status is 0, or the errno that the work failed with."""
    pid = os.fork()
    if not pid:
        status = 255
        try:
            work()
            status = 0
        except (OSError, zmq.ZMQError) as error:
            status = error.errno
        finally:
            os._exit(status)
    return pid


def in_child(work):
    return os.waitstatus_to_exitcode(os.waitpid(start_child(work), 0)[1])


def refused(bind, path):
    with pytest.raises(zmq.ZMQError) as caught:
        bind(f"ipc://{path}")
    assert caught.value.errno == zmq.EADDRINUSE
    return str(caught.value)


@pytest.mark.parametrize("text", ["{dir}/a", "@zlinkcompat-{pid}", "*", "rel"])
def test_connection(text, bind, connect, accept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listener = bind("ipc://" + text.format(dir=tmp_path, pid=os.getpid()))
    sock = connect(listener.endpoint)
    peer, address = accept(listener)
    assert address == f"localhost:{os.getuid()}:{os.getgid()}:{os.getpid()}"
    assert ipc.peer_endpoint(peer) == ipc.local_endpoint(sock) == "ipc://"
    for one in (listener.socket, sock, peer):
        assert not one.getblocking() and not os.get_inheritable(one.fileno())
        assert type(one) is socket.SocketType
    sock.send(b"x")
    assert peer.recv(1) == b"x"
    assert ipc.accept(listener) is None


def test_file_goes_with_its_listener(bind, tmp_path):
    listener = bind(f"ipc://{tmp_path}/a")
    assert os.listdir(tmp_path) == ["a"]
    listener.close()
    assert not os.listdir(tmp_path)
    listener.close()


def test_fresh_path_and_its_directory(bind, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    listener = bind("ipc://*")
    directory, = tmp_path.iterdir()
    assert listener.endpoint == f"ipc://{directory}/socket"
    assert directory.stat().st_mode & 0o777 == 0o700
    listener.close()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("variable", ["TMPDIR", "TEMPDIR", "TMP"])
def test_fresh_path_by_environment(variable, bind, tmp_path, monkeypatch):
    for name in ("TMPDIR", "TEMPDIR", "TMP"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv(variable, str(tmp_path))
    assert bind("ipc://*").endpoint.startswith(f"ipc://{tmp_path}/tmp")


def test_fresh_path_without_environment(bind, monkeypatch, tmp_path):
    for name in ("TMPDIR", "TEMPDIR", "TMP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert bind("ipc://*").endpoint.startswith(f"ipc://{tempfile.gettempdir()}/tmp")


def test_relative_file_is_removed_from_elsewhere(bind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listener = bind("ipc://a")
    monkeypatch.chdir("/")
    listener.close()
    assert not os.listdir(tmp_path)


def test_stale_file_is_replaced(bind, connect, tmp_path):
    stale(tmp_path / "a")
    connect(bind(f"ipc://{tmp_path}/a").endpoint)
    assert os.listdir(tmp_path) == ["a"]


def test_living_owner_is_left_alone(bind, connect, accept, tmp_path):
    """libzmq would take the path away from under it."""
    listener = bind(f"ipc://{tmp_path}/a")
    assert "living" in refused(bind, tmp_path / "a")
    assert ipc.accept(listener) is None  # the question made no connection
    connect(listener.endpoint)
    accept(listener)


def test_living_owner_of_another_program(bind, tmp_path):
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


def test_other_files_are_left_alone(bind, tmp_path):
    """libzmq would delete them."""
    (tmp_path / "data").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    (tmp_path / "broken").symlink_to(tmp_path / "none")
    for name in ("data", "link", "broken"):
        assert "not a socket" in refused(bind, tmp_path / name)
    assert (tmp_path / "data").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["broken", "data", "link"]


def test_rival_who_replaces_the_stale_file_first(bind, connect, accept, tmp_path, monkeypatch):
    """Between our look at the file and our asking for its owner."""
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


def test_rival_who_is_just_replacing_the_stale_file(bind, tmp_path, monkeypatch):
    path = tmp_path / "a"
    stale(path)
    answers = []

    def has_owner(probe, name):
        if not answers:
            answers.append(None)
            answers.append(refused(bind, path))  # the rival, while we have not decided yet
        return plain(probe, name)

    plain = ipc._has_owner
    monkeypatch.setattr(ipc, "_has_owner", has_owner)
    bind(f"ipc://{path}")
    assert "just taking" in answers[1]


@pytest.mark.parametrize("moment", ["_identity", "_has_owner"])
def test_stale_file_that_vanishes_by_itself(moment, bind, tmp_path, monkeypatch):
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


def test_many_at_once_and_one_wins(tmp_path):
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
            os.read(stops[0], 1)  # until all the others have tried

        children = {start_child(take) for _ in range(4)}
        os.close(starts[1])
        for _ in range(3):
            pid, status = os.wait()
            children.remove(pid)
            assert os.waitstatus_to_exitcode(status) == errno.EADDRINUSE
        deadline = time.monotonic() + GUARD
        with socket.socket(socket.AF_UNIX) as client:
            while client.connect_ex(str(path)) and time.monotonic() < deadline:
                time.sleep(0.001)  # the winner may still be about to listen
            client.getpeername()
        os.close(stops[1])
        assert os.waitstatus_to_exitcode(os.waitpid(children.pop(), 0)[1]) == 0
        os.close(starts[0])
        os.close(stops[0])
        path.unlink()


def test_close_removes_only_its_own_file(bind, tmp_path):
    path = tmp_path / "a"
    listener = bind(f"ipc://{path}")
    path.unlink()
    other = bind(f"ipc://{path}")
    listener.close()
    assert path.exists()
    other.close()
    assert not path.exists()


def test_close_when_somebody_removed_the_file(bind, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for text in (f"ipc://{tmp_path}/a", "ipc://*"):
        listener = bind(text)
        os.unlink(listener.endpoint[6:])
        listener.close()
        assert listener.socket.fileno() == -1
    assert not os.listdir(tmp_path)


def test_close_in_a_forked_child_keeps_the_file(bind, connect, tmp_path):
    listener = bind(f"ipc://{tmp_path}/a")
    assert in_child(listener.close) == 0
    connect(listener.endpoint)


def test_directory_without_permission(options):
    """Neither a new socket nor the replacement of a stale one; and nothing is lost."""
    directory = tempfile.mkdtemp(dir="/tmp")
    path = os.path.join(directory, "a")
    try:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        os.chmod(path, 0o777)
        os.chmod(directory, 0o555)

        def listen(name):
            if os.getuid() == 0:
                os.setuid(65534)
            ipc.listen(ipc.parse(os.path.join(directory, name), False, True), options())

        assert in_child(lambda: listen("a")) == errno.EADDRINUSE
        assert in_child(lambda: listen("b")) == errno.EACCES
        assert os.listdir(directory) == ["a"]
    finally:
        os.chmod(directory, 0o755)
        shutil.rmtree(directory)


def test_close_that_cannot_remove_says_so(bind, tmp_path, monkeypatch):
    def unlink(path):
        raise PermissionError(errno.EACCES, "no")

    listener = bind(f"ipc://{tmp_path}/a")
    monkeypatch.setattr(ipc.os, "unlink", unlink)
    with pytest.raises(PermissionError):
        listener.close()
    assert listener.socket.fileno() == -1
    listener.close()
    monkeypatch.undo()
    os.unlink(tmp_path / "a")


def test_listen_that_fails_leaves_nothing(bind, tmp_path, monkeypatch):
    class Failing(_socket.socket):
        def listen(self, backlog):
            raise OSError(errno.ENOBUFS, "no")

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(ipc._socket, "socket", Failing)
    with pytest.raises(zmq.ZMQError) as caught:
        bind("ipc://*")
    assert caught.value.errno == errno.ENOBUFS
    assert not os.listdir(tmp_path)


def test_abstract_names_are_exclusive_and_leave_no_file(bind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = f"@zlinkcompat-{os.getpid()}"
    listener = bind("ipc://" + name)
    refused(bind, name)
    listener.close()
    bind("ipc://" + name)
    assert not os.listdir(tmp_path)


def test_nobody_there(connect, tmp_path):
    with pytest.raises(FileNotFoundError):
        connect(f"ipc://{tmp_path}/a")
    stale(tmp_path / "a")
    with pytest.raises(ConnectionRefusedError):
        connect(f"ipc://{tmp_path}/a")


def test_full_backlog(bind, connect, tmp_path):
    bind(f"ipc://{tmp_path}/a", backlog=0)
    connect(f"ipc://{tmp_path}/a")
    with pytest.raises(BlockingIOError):
        for _ in range(3):
            connect(f"ipc://{tmp_path}/a")


def test_use_fd(bind, connect, tmp_path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "a"))
        made.listen()
        listener = bind("ipc://ignored", use_fd=made.detach())
    assert listener.endpoint == f"ipc://{tmp_path}/a"
    connect(listener.endpoint)
    listener.close()
    assert (tmp_path / "a").exists()  # the user made it, the user removes it
    with pytest.raises(zmq.ZMQError) as caught:
        bind("ipc://ignored", use_fd=10 ** 6)
    assert caught.value.errno == errno.EBADF


def test_names_of_a_connection_that_is_gone():
    lonely = _socket.socket(_socket.AF_UNIX)
    assert ipc.peer_address(lonely) == ipc.peer_endpoint(lonely) == ""
    lonely.close()
    assert ipc.local_endpoint(lonely) == ""


def test_odd_bytes_in_a_path(bind, connect, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\xe9"
    listener = bind("ipc://" + path.decode("utf-8", "surrogateescape"))
    assert os.path.exists(path)
    connect(listener.endpoint)
    assert ipc.local_endpoint(listener.socket) == listener.endpoint

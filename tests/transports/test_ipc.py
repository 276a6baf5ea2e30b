"""``ipc://`` connections work, and their endpoint files are created and removed."""

import _socket
import errno
import os
import shutil
import socket
import tempfile

import pytest
import zmq
from ipcfiles import in_child, refused, stale

from zlinkcompat.transports import ipc


@pytest.mark.parametrize("text", ["{dir}/a", "@zlinkcompat-{pid}", "*", "rel"])
def test_ipc_connection(text, bind, connect, accept, tmp_path, monkeypatch):
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


def test_file_is_removed_with_its_listener(bind, tmp_path):
    listener = bind(f"ipc://{tmp_path}/a")
    assert os.listdir(tmp_path) == ["a"]
    listener.close()
    assert not os.listdir(tmp_path)
    listener.close()


def test_fresh_path_and_its_directory(bind, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    listener = bind("ipc://*")
    (directory,) = tmp_path.iterdir()
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


def test_close_removes_only_its_own_file(bind, tmp_path):
    path = tmp_path / "a"
    listener = bind(f"ipc://{path}")
    path.unlink()
    other = bind(f"ipc://{path}")
    listener.close()
    assert path.exists()
    other.close()
    assert not path.exists()


def test_close_after_the_file_was_removed(bind, tmp_path, monkeypatch):
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
    """If the directory is not writable, bind fails both with and without a stale file.

    The stale file is not removed.
    """
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


def test_close_reports_a_file_it_cannot_remove(bind, tmp_path, monkeypatch):
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


def test_failed_listen_leaves_nothing_behind(bind, tmp_path, monkeypatch):
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


def test_connect_without_a_listener(connect, tmp_path):
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
    assert (tmp_path / "a").exists()  # the user created the file, so the user has to remove it
    with pytest.raises(zmq.ZMQError) as caught:
        bind("ipc://ignored", use_fd=10**6)
    assert caught.value.errno == errno.EBADF


def test_addresses_of_a_closed_connection():
    lonely = _socket.socket(_socket.AF_UNIX)
    assert ipc.peer_address(lonely) == ipc.peer_endpoint(lonely) == ""
    lonely.close()
    assert ipc.local_endpoint(lonely) == ""


def test_unusual_bytes_in_a_path(bind, connect, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\xe9"
    listener = bind("ipc://" + path.decode("utf-8", "surrogateescape"))
    assert os.path.exists(path)
    connect(listener.endpoint)
    assert ipc.local_endpoint(listener.socket) == listener.endpoint

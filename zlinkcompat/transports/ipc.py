"""``ipc://``: Unix sockets. An address is a path, an abstract name with ``@``, or ``*``.

This module differs from libzmq on purpose. libzmq removes any file at the path before it binds, so
a second bind silently cuts off a running server, or deletes a data file. This module replaces only
a stale socket file, whose socket no process has, and raises EADDRINUSE for anything else. It also
removes the file when the listener closes, which libzmq does only for ``*``.

Source: libzmq ``src/ipc_address.cpp``, ``src/ipc_listener.cpp``, ``src/ipc_connecter.cpp``,
``src/ip.cpp`` (``create_ipc_wildcard_address``), ``src/stream_engine_base.cpp``.
"""

from __future__ import annotations

import _socket
import fcntl
import os
import stat
import struct
from contextlib import suppress
from errno import EADDRINUSE, EINVAL, ENAMETOOLONG
from typing import TYPE_CHECKING, Any

from zlinkcompat import tuning
from zlinkcompat.errors import zmq_error
from zlinkcompat.transports import sockets
from zlinkcompat.transports.link import Link  # noqa: F401  (used unchanged)
from zlinkcompat.transports.sockets import finish_connect  # noqa: F401  (the same as for tcp)

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.core.options import Options


#: The longest path or abstract name including its ``@``, in bytes: the size of sun_path minus one.
MAX_PATH = 107

#: Suffix of the lock file that is held while a stale socket file is replaced.
LOCK_SUFFIX = b".zlock"

LIVING = "a living process listens there; stop it or take another path"


class IpcAddress:
    """The part after ``ipc://``.

    Attributes
    ----------
    text : str
    name : bytes
        The name for bind(2) and connect(2). An abstract name starts with a zero byte. Empty: ``*``.
    """

    __slots__ = ("text", "name")

    def __init__(self, text: str, name: bytes) -> None:
        self.text = text
        self.name = name

    def __str__(self) -> str:
        return "ipc://" + self.text


class IpcListener(sockets.ListenerSocket):
    """A listening Unix socket that removes its file, and the directory created for it."""

    __slots__ = ("_path", "_directory", "_mark", "_pid")

    def __init__(self, sock: Any, endpoint: str, path: bytes | None, directory: str | None) -> None:
        super().__init__(sock, endpoint)
        # Absolute, because the program may change its directory before the listener closes.
        self._path = path and os.path.abspath(path)
        self._directory = directory
        self._mark = path and _identity(path)
        self._pid = os.getpid()

    def close(self) -> None:
        """Stop listening, and remove the file if it is still ours. Repeated calls have no effect.

        Raises
        ------
        OSError
            The file or its directory could not be removed. The socket is closed nevertheless.
        """
        path, self._path = self._path, None
        try:
            # A forked child closes its copy of the descriptor; the file belongs to the parent.
            if path and os.getpid() == self._pid:
                # Remove the file while the socket is open. Once it is closed, another process may
                # find our file stale and replace it, and its file may get the same inode number.
                if _identity(path) == self._mark:
                    os.unlink(path)
                if self._directory:
                    os.rmdir(self._directory)
        except FileNotFoundError:
            pass
        finally:
            super().close()


def _identity(path: bytes) -> Any:
    """Return values that identify a file, or None if there is no file."""
    found = _signature(path)
    return None if found is None else found[:3]


def _signature(path: bytes) -> Any:
    """Return the same with the modification time, because an inode number can be reused."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, stat.S_IFMT(found.st_mode), found.st_mtime_ns


def parse(text: str, ipv6: int, bind: bool) -> IpcAddress:
    """Check a path or abstract name. Only other transports use ``ipv6``.

    Raises
    ------
    zmq.ZMQError
        ENAMETOOLONG: the path exceeds :data:`MAX_PATH` bytes. EINVAL: ``@`` without a name.
    """
    if bind and text[0] == "*":
        return IpcAddress(text, b"")
    name = text.encode("utf-8", "surrogateescape")
    _check_length(name, "ipc://" + text)
    if name == b"@":
        raise zmq_error(EINVAL, "Invalid argument: 'ipc://@' lacks the name of the abstract socket")
    return IpcAddress(text, b"\0" + name[1:] if name[:1] == b"@" else name)


def _check_length(name: bytes, endpoint: str) -> None:
    if len(name) > MAX_PATH:
        raise zmq_error(
            ENAMETOOLONG,
            f"File name too long: {endpoint!r} has {len(name)} bytes, "
            f"a unix socket path at most {MAX_PATH}",
        )


def listen(
    address: IpcAddress, options: Options, getaddrinfo: Callable[..., Any] | None = None
) -> IpcListener:
    """Listen, or adopt the listening socket of ``USE_FD``, whose file the user manages.

    Returns
    -------
    IpcListener

    Raises
    ------
    zmq.ZMQError
        EADDRINUSE: a running process has the path, it is not a socket, or we may not remove it.
        ENOENT, ENOTDIR, EACCES, ...: from the kernel. ENAMETOOLONG: ``*`` with a long ``TMPDIR``.
    """
    if options.use_fd != -1:
        try:
            sock = sockets.adopt(options.use_fd)
        except OSError as error:
            raise sockets.bind_error(error, str(address)) from error
        return IpcListener(sock, local_endpoint(sock), None, None)
    sock = directory = listener = None
    name, endpoint = address.name, str(address)
    try:
        if not name:
            import tempfile

            directory = tempfile.mkdtemp(prefix="tmp", dir=_temporary_directory())
            endpoint = f"ipc://{directory}/socket"
            name = endpoint[6:].encode("utf-8", "surrogateescape")
            _check_length(name, endpoint)
        sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        sock.setblocking(False)
        _bind(sock, name)
        listener = IpcListener(sock, endpoint, name if name[0] else None, directory)
        sock.listen(options.backlog)
    except BaseException as error:
        if listener is not None:
            listener.close()
        else:
            if sock is not None:
                sock.close()
            if directory is not None:
                os.rmdir(directory)
        if not isinstance(error, OSError):
            raise
        advice = error.strerror if error.errno == EADDRINUSE else ""
        raise sockets.bind_error(error, endpoint, advice) from error
    return listener


def _temporary_directory() -> Any:
    """Return libzmq's choice by environment, or None: the system's, not the current directory."""
    for variable in ("TMPDIR", "TEMPDIR", "TMP"):
        directory = os.environ.get(variable)
        if directory and os.path.isdir(directory):
            return os.path.abspath(directory)
    return None


def _bind(sock: Any, name: bytes) -> Any:
    while True:
        try:
            return sock.bind(name)
        except OSError as error:
            if error.errno != EADDRINUSE:
                raise
            if name[0] == 0:
                raise OSError(EADDRINUSE, "a living process has this name") from None
        _remove_stale(name)


def _remove_stale(path: bytes) -> None:
    """Remove the socket file of a dead owner; raise OSError EADDRINUSE for anything else."""
    probe = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    lock = None
    try:
        probe.setblocking(False)
        # Take the lock only for a stale file, to leave no trace in a running owner's directory.
        if _stale_file(probe, path) is None:
            return
        # Two processes may find the file stale at the same time. The first removes it and binds.
        # The second must not remove the first one's new file.
        lock = _lock(path)
        found = _stale_file(probe, path)
        if found is not None:
            _take_away(probe, path, found)
    except FileNotFoundError:
        # The process that removed it may bind now, and its file may get the same inode.
        pass
    except PermissionError as error:
        raise OSError(
            EADDRINUSE, f"its owner is dead, but the file cannot be removed: {error.strerror}"
        ) from error
    finally:
        probe.close()
        if lock is not None:
            _unlock(lock, path)


def _stale_file(probe: Any, path: bytes) -> Any:
    """Return the :func:`_signature` of a socket file without an owner; None if there is no file.

    Raise OSError EADDRINUSE if the path is in use."""
    found = _signature(path)
    if found is None:
        return None
    if found[2] != stat.S_IFSOCK:
        raise OSError(EADDRINUSE, "there is a file at this path, and it is not a socket")
    if _has_owner(probe, path):
        raise OSError(EADDRINUSE, LIVING)
    return found


def _take_away(probe: Any, path: Any, found: Any) -> None:
    """Remove the stale file ``found``, and nothing else.

    unlink(2) removes whatever file has the name. Without the lock, that may be the file of another
    process that has just bound. So rename the file first, check it again, and then remove it."""
    aside = path + b"." + os.urandom(8).hex().encode()
    os.rename(path, aside)
    stale = False
    try:
        # If the longer name exceeds the limit, connect() cannot check for an owner.
        stale = _signature(aside) == found and not (
            len(aside) <= MAX_PATH and _has_owner(probe, aside)
        )
    finally:
        if stale:
            os.unlink(aside)
        else:
            _put_back(aside, path)
    if not stale:
        raise OSError(EADDRINUSE, LIVING)


def _put_back(aside: Any, path: Any) -> None:
    try:
        # Unlike rename, link never replaces a file that was bound there meanwhile.
        with suppress(FileExistsError):
            os.link(aside, path)
    except OSError:
        os.rename(aside, path)  # the file of another user, which only its owner may link
    else:
        os.unlink(aside)


def _lock(path: Any) -> Any:
    """Lock the path against other processes of this user that replace a stale file.

    The lock is flock(2) on a file beside the path, which only its owner can open. No lock is taken
    if that file cannot be created or belongs to another user, because in /tmp any user can create
    it first. So no user can block this one from the path, and :func:`_take_away` checks twice.

    Returns
    -------
    int or None
        The descriptor that holds the lock.

    Raises
    ------
    OSError
        EADDRINUSE: another process of this user has the lock.
    """
    name = path + LOCK_SUFFIX
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    for _ in range(10):
        try:
            lock = os.open(name, flags, 0o600)
        except OSError:
            return None
        try:
            held = os.fstat(lock)
            if held.st_uid != os.geteuid() or not stat.S_ISREG(held.st_mode) or held.st_nlink > 1:
                os.close(lock)
                return None
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise OSError(EADDRINUSE, "another process is just taking this path") from None
        except OSError:
            os.close(lock)
            return None  # a file system without locks
        if _identity(name) == (held.st_dev, held.st_ino, stat.S_IFREG):
            return lock
        # The holder removed the lock file between our open and our lock.
        os.close(lock)
    return None


def _unlock(lock: Any, path: Any) -> None:
    try:
        os.unlink(path + LOCK_SUFFIX)
    except OSError:
        pass  # somebody changed the permissions of the directory
    # Unlock explicitly: a child that was forked meanwhile has a copy of the descriptor.
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)


def _has_owner(probe: Any, path: bytes) -> bool:
    """Tell whether any process has the socket of this file, listening or not.

    A datagram socket probes it. Connecting that to a stream socket fails with EPROTOTYPE if the
    socket exists, and with ECONNREFUSED if it does not. A stream socket as the probe would give a
    running owner a connection to clean up, and would not find an owner between bind and listen.
    FileNotFoundError means that the file is gone.
    """
    try:
        probe.connect(path)
    except ConnectionRefusedError:
        return False
    except FileNotFoundError:
        raise
    except OSError:
        # EPROTOTYPE, or EACCES: the owner is unknown then, so leave the file alone.
        return True
    return True


def accept(listener: IpcListener) -> Any:
    """Return ``(socket, peer address)`` of the next connection, or None; see sockets.accept."""
    accepted = sockets.accept(listener)
    if accepted is None:
        return None
    sock, _ = accepted
    return sock, peer_address(sock)


def admits(sock: Any, options: Options) -> bool:
    """Tell whether an accepted peer passes one of IPC_FILTER_PID, _UID and _GID, if any is set.

    A GID matches the peer's own group and any group that its user is a member of.
    """
    pids, uids, gids = options.ipc_filter_pid, options.ipc_filter_uid, options.ipc_filter_gid
    if not (pids or uids or gids):
        return True
    try:
        pid, uid, gid = _credentials(sock)
    except OSError:
        return False
    return pid in pids or uid in uids or gid in gids or _is_member(uid, gids)


def _is_member(uid: int, gids: frozenset[int]) -> bool:
    if not gids:
        return False
    import grp
    import pwd

    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return False
    for gid in gids:
        try:
            if name in grp.getgrgid(gid).gr_mem:
                return True
        except KeyError:
            pass
    return False


def no_credentials() -> str:
    """Return why this system cannot identify peers; "" if it can."""
    return "" if hasattr(_socket, "SO_PEERCRED") else "the system does not tell who a peer is"


def _credentials(sock: Any) -> tuple[int, int, int]:
    """Return ``(pid, uid, gid)`` of the peer; raise OSError if they are unknown."""
    found = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, _CREDENTIALS.size)
    return _CREDENTIALS.unpack(found)


def beyond_proxy(address: IpcAddress, options: Options) -> None:
    """Return None: a proxy cannot lead to sockets of this host."""
    return


def start_connect(
    address: IpcAddress, options: Options, getaddrinfo: Callable[..., Any] | None = None
) -> tuple[Any, bool]:
    """Begin to connect. A Unix socket connects at once or fails.

    Returns
    -------
    tuple
        ``(socket, connected)``.

    Raises
    ------
    OSError
        ENOENT, ECONNREFUSED: no listener. EAGAIN: the listener's backlog is full. EACCES.
    """
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        return sock, sockets.start_connect(sock, address.name)
    except BaseException:
        sock.close()
        raise


def tune(sock: Any, options: Options) -> None:
    """Set the send buffer. On Linux it alone limits the data in flight; SO_RCVBUF has no effect.

    The kernel's default (208 KiB) splits a large message into many writes and makes round trips of
    large messages several times slower. libzmq keeps that default, and sets SNDBUF only for tcp.
    """
    size = options.sndbuf
    if size < 0:
        size = options.tuning.socket_buffers
        size = tuning.LOCAL_BUFFER if size < 0 else size or -1
    if size >= 0:
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDBUF, size)


def aliases(text: str, ipv6: int, getaddrinfo: Callable[..., Any]) -> list[Any]:
    """Return no other spellings."""
    return []


def _endpoint(name: Any) -> Any:
    if isinstance(name, bytes):
        # Abstract name; libzmq prints it up to the first zero byte.
        return "ipc://@" + name[1:].partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return "ipc://" + name


def local_endpoint(sock: Any) -> str:
    """Return ``ipc://path`` or ``ipc://@name`` of our end; ``ipc://`` if this side connected."""
    name = sockets.socket_name(sock.getsockname)
    return "" if name is None else _endpoint(name) if name else "ipc://"


def peer_endpoint(sock: Any) -> str:
    """Return ``ipc://path`` or ``ipc://@name`` of the peer's end; "" if it is gone."""
    name = sockets.socket_name(sock.getpeername)
    return "" if name is None else _endpoint(name) if name else "ipc://"


def peer_address(sock: Any) -> str:
    """Return ``localhost:uid:gid:pid`` of the peer, libzmq's ``Peer-Address``; "" if it is gone."""
    if sockets.socket_name(sock.getpeername) is None:
        return ""
    try:
        pid, uid, gid = _credentials(sock)
    except (OSError, AttributeError):
        return "localhost"
    return f"localhost:{uid}:{gid}:{pid}"


_CREDENTIALS = struct.Struct("=iII")  # struct ucred

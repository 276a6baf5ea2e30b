"""The control socket, through which ``zlinkcompat top`` asks a running process about its sockets.

Only the user of the process and root can connect to this Unix socket. There is only one request:
for a snapshot. No request changes anything in the process. In a monkey-patched program a greenlet
of the hub answers, otherwise a daemon thread. Both serve one client at a time, for a limited time.
"""

from __future__ import annotations

import _socket
import atexit
import os
import struct
import sys
from pathlib import Path
from time import monotonic
from typing import Any

from zlinkcompat import tuning
from zlinkcompat._runtime import startup
from zlinkcompat._runtime.gevent_support import get_original, has_hub, is_module_patched
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.core.context import usually_blocks_natively
from zlinkcompat.debug.records import snapshot
from zlinkcompat.metrics.control_path import make_private, own_directory, socket_path
from zlinkcompat.metrics.json_text import dump_process

LOG = Log("zlinkcompat.metrics")

#: The only request. It ends with a line feed.
REQUEST = b"snapshot\n"
REQUEST_MAX = 64  # bytes

#: A client has this many seconds to send its request, and as many to read the answer.
PATIENCE = 5.0

#: At most so many clients wait in the kernel's backlog.
BACKLOG = 8

_open_control: Control | None = None


class Control:
    """The control socket of this process.

    Attributes
    ----------
    path : Path
        The file of the socket.
    is_closed : bool
        Whether :meth:`close` was called.
    """

    def __init__(self) -> None:
        directory = own_directory()
        make_private(directory)
        self.path: Path = socket_path(directory, os.getpid())
        # If the file exists, it belonged to a process with the same number that was killed.
        self.path.unlink(missing_ok=True)
        self.is_closed = False
        # Use a socket of the C module _socket, because gevent does not patch it.
        self.listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            self.listener.bind(str(self.path))
            self.path.chmod(0o600)
            self.listener.listen(BACKLOG)
            self.start()
        except BaseException:
            self.listener.close()
            self.path.unlink(missing_ok=True)
            raise

    def start(self) -> None:
        """Begin to answer."""
        raise NotImplementedError  # abstract: each subclass implements it

    def close(self) -> None:
        """Stop answering, and remove the file. Any thread may call it."""
        self.is_closed = True
        self.path.unlink(missing_ok=True)

    def after_fork_child(self) -> None:
        """Close the copy of the listener in a forked child; the file is the parent's."""
        self.is_closed = True
        self.listener.close()


class ThreadControl(Control):
    """Answers in a native daemon thread."""

    def start(self) -> None:
        """Start the thread."""
        get_original("_thread", "start_new_thread")(self.run, ())

    def run(self) -> None:
        """Answer clients, one after the other, with signals blocked."""
        import signal

        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while not self.is_closed:
            try:
                client = _socket.socket(fileno=self.listener._accept()[0])  # type: ignore[attr-defined]
            except OSError as error:
                LOG.warning("control socket %s: closed: %s", self.path, error)
                break
            if not self.is_closed:
                answer(client)
            client.close()
        self.listener.close()

    def close(self) -> None:
        """Stop answering, and remove the file."""
        self.is_closed = True
        # Wake the thread, which waits for a client.
        wakes = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        wakes.setblocking(False)
        wakes.connect_ex(str(self.path))
        wakes.close()
        super().close()


class HubControl(Control):
    """Answers in a greenlet of the current thread's hub."""

    def start(self) -> None:
        """Start the greenlet."""
        import gevent

        self.listener.setblocking(False)
        self.hub = gevent.get_hub()
        # Use ref=False, so that the hub can end, and can notice that all greenlets wait forever.
        self.watcher = self.hub.loop.io(self.listener.fileno(), 1, ref=False)
        # gevent's watchers of libuv share one handle for each descriptor, and ignore ref=False.
        handle = getattr(self.watcher, "_watcher_ref", None)
        if handle is not None:
            handle.ref = False
        self.greenlet = gevent.spawn(self.run)

    def run(self) -> None:
        """Answer clients, one after the other."""
        from gevent.socket import socket

        try:
            while not self.is_closed:
                self.hub.wait(self.watcher)
                try:
                    accepted, _ = self.listener._accept()  # type: ignore[attr-defined]
                except BlockingIOError:
                    continue  # the client left
                except OSError as error:
                    LOG.warning("control socket %s: closed: %s", self.path, error)
                    return
                with socket(fileno=accepted) as client:
                    answer(client)
        finally:
            self.watcher.stop()
            self.watcher.close()
            self.listener.close()

    def close(self) -> None:
        """Stop answering, and remove the file."""
        super().close()
        self.hub.loop.run_callback_threadsafe(self.stop)

    def stop(self) -> None:
        """End the greenlet. Called in the hub."""
        self.greenlet.kill(block=False)

    def after_fork_child(self) -> None:
        """Close the copy of the listener in a forked child."""
        # Do this before stopping watchers: libuv shares the epoll with the parent, and would stop
        # them in the parent.
        self.hub.loop.reinit()
        self.watcher.stop()
        super().after_fork_child()
        self.greenlet.kill(block=False)


def answer(client: Any) -> None:
    """Answer the request of a client. If that fails, only this client gets no answer."""
    deadline = monotonic() + PATIENCE
    try:
        if user_of(client) not in (os.geteuid(), 0):
            return
        request = b""
        while not request.endswith(b"\n") and len(request) < REQUEST_MAX:
            client.settimeout(max(deadline - monotonic(), 0.001))
            received = client.recv(REQUEST_MAX - len(request))
            if not received:
                return
            request += received
        reply = dump_process(snapshot()) if request == REQUEST else '{"error": "unknown request"}'
        client.settimeout(PATIENCE)
        client.sendall(reply.encode() + b"\n")
    except OSError:
        pass  # the client left, or was too slow
    except Exception:
        # A defect here must not end the thread or greenlet that answers.
        LOG.exception("control socket: no answer")


def user_of(client: Any) -> int:
    """Return the user id of a connected process. Raise OSError if the system has none."""
    if sys.platform == "linux":
        format = "3i"  # pid, uid, gid
        found = client.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, struct.calcsize(format))
        return int(struct.unpack(format, found)[1])
    # macOS and the BSDs: struct xucred begins with its version and the user id.
    found = client.getsockopt(0, 1, 128)  # SOL_LOCAL, LOCAL_PEERCRED
    return int(struct.unpack_from("Ii", found)[1])


def open_control(*args: object) -> str:
    """Open the control socket, by which ``zlinkcompat top`` asks this process what it does.

    The environment variable ``ZLINK_CONTROL=1`` does this when the first context is made. Only the
    user of the process and root can connect. If the socket is open already, nothing changes. A
    forked child does not have the socket of its parent. The file is removed at exit.

    .. versionadded:: 0.1

    Parameters
    ----------
    *args
        The arguments of a signal handler; they are ignored. A signal may call this at any time.
        Before a monkey-patched program has its hub, a thread answers in place of a greenlet.

    Returns
    -------
    str
        The path of the socket.

    Raises
    ------
    OSError
        The socket cannot be made, for instance because its directory belongs to another user.

    Examples
    --------
    >>> import signal
    >>> from zlinkcompat import metrics
    >>> before = signal.signal(signal.SIGUSR2, metrics.open_control)  # ask for it by a signal
    """
    global _open_control
    if _open_control is None or _open_control.is_closed:
        in_hub = is_module_patched("threading") and not usually_blocks_natively()
        if args and not has_hub():
            # A signal handler may interrupt the import of gevent, or the making of the hub.
            in_hub = False
        _open_control = HubControl() if in_hub else ThreadControl()
    return str(_open_control.path)


def close_control() -> None:
    """Close the control socket and remove its file. Without an open one, nothing happens.

    .. versionadded:: 0.1
    """
    global _open_control
    control, _open_control = _open_control, None
    if control is not None and not control.is_closed:
        control.close()


def open_if_asked() -> None:
    """Open the control socket if ``ZLINK_CONTROL`` asks for it. A failure is only logged."""
    if tuning.get("control"):
        try:
            open_control()
        except OSError as error:
            LOG.warning("no control socket: %s", error)


def after_fork_child() -> None:
    """Leave the socket to the parent.

    If the environment asks for it, the child opens a control socket with its first context."""
    global _open_control
    control, _open_control = _open_control, None
    if control is not None and not control.is_closed:
        control.after_fork_child()
        startup.at_next_context(open_if_asked)


os.register_at_fork(after_in_child=after_fork_child)
atexit.register(close_control)

"""Asks a running process by its control socket, and explains why it does not answer."""

from __future__ import annotations

import os
import pwd
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from zlinkcompat.metrics.control import REQUEST
from zlinkcompat.metrics.control_path import check_private, directories, socket_path

#: Seconds to wait for an answer.
PATIENCE = 10.0

#: The longest answer, in bytes: that of a million peers.
ANSWER_MAX = 1 << 30


class NoAnswer(Exception):
    """The reason why a process does not answer, for the user."""


def user_name(uid: Any) -> Any:
    """Return the name of a user, or the number if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def owner_of(pid: Any) -> Any:
    """Return the user id of a process. Raise NoAnswer if there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        raise NoAnswer(f"no process {pid} is running") from None
    except (PermissionError, OverflowError) as error:
        if isinstance(error, OverflowError):
            raise NoAnswer(f"no process {pid} is running") from None
    with suppress(OSError):
        return os.stat(f"/proc/{pid}").st_uid
    return os.geteuid()  # a system without /proc


def find_socket(pid: Any) -> Any:
    """Return the path of a process's control socket; NoAnswer if it has none for us."""
    uid = owner_of(pid)
    if os.geteuid() not in (uid, 0):
        raise NoAnswer(
            f"process {pid} belongs to user {user_name(uid)}: only that user and root may ask it"
        )
    for directory in directories(uid):
        path = socket_path(directory, pid)
        with suppress(OSError):
            if path.is_socket():
                check_private(directory, uid)
                return path
    raise NoAnswer(
        f"process {pid} has no control socket: start it with ZLINK_CONTROL=1 in the environment, "
        "or let it call zlinkcompat.metrics.open_control(), which may be a signal handler"
    )


def ask(pid: Any) -> Any:
    """Return the text of a process's answer; NoAnswer with the reason if there is none."""
    path = find_socket(pid)
    with socket.socket(socket.AF_UNIX) as asks:
        asks.settimeout(PATIENCE)
        try:
            asks.connect(str(path))
            asks.sendall(REQUEST)
            answer = read(asks)
        except (ConnectionRefusedError, FileNotFoundError):
            raise NoAnswer(
                f"process {pid} has no control socket, and {path} is what an earlier process left"
            ) from None
        except TimeoutError:
            raise NoAnswer(
                f"process {pid} has not answered for {PATIENCE:g} s: it is stopped, a C extension "
                "keeps the GIL, or (monkey-patched) its hub does not run"
            ) from None
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
        except OSError as error:
            raise NoAnswer(f"process {pid} does not answer: {error.strerror}") from None
    if not answer:
        raise NoAnswer(f"process {pid} refused user {user_name(os.geteuid())}")
    return answer.decode()


def read(asks: Any) -> Any:
    """Return all bytes until the peer closes the connection."""
    parts = []
    size = 0
    while part := asks.recv(1 << 16):
        parts.append(part)
        size += len(part)
        if size > ANSWER_MAX:
            raise NoAnswer("the answer is too long")
    return b"".join(parts)


def processes() -> Any:
    """Return the numbers of this user's processes that have a control socket."""
    found: set[int] = set()
    for directory in directories(os.geteuid()):
        with suppress(OSError):
            check_private(directory, os.geteuid())
            found.update(int(path.stem) for path in directory.glob("*.sock") if is_alive(path))
    return sorted(found)


def is_alive(path: Path) -> Any:
    """Tell whether a process listens on the socket at ``path``."""
    with socket.socket(socket.AF_UNIX) as asks:
        asks.settimeout(1)
        try:
            asks.connect(str(path))
        except TimeoutError:
            return True
        except OSError:
            return False
    return path.stem.isdigit()

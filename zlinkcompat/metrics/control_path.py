"""Where the control sockets are: one Unix socket for each process, in a directory of its user."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def own_directory() -> Path:
    """Return the directory for the control sockets of this user's processes."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime, "zlinkcompat") if runtime else shared_directory(os.geteuid())


def shared_directory(uid: int) -> Path:
    """Return the directory for processes that have no ``XDG_RUNTIME_DIR``."""
    return Path(f"/tmp/zlinkcompat-{uid}")


def directories(uid: int) -> list[Path]:
    """Return the directories in which a process of the user ``uid`` may have its socket.

    The environment of that process may differ from ours.
    """
    found = [Path(f"/run/user/{uid}/zlinkcompat"), shared_directory(uid)]
    if uid == os.geteuid():
        found.insert(0, own_directory())
    return list(dict.fromkeys(found))


def socket_path(directory: Path, pid: int) -> Path:
    """Return the path of a process's socket."""
    return directory / f"{pid}.sock"


def check_private(directory: Path, uid: int) -> None:
    """Raise PermissionError unless only the user ``uid`` can change what is in ``directory``.

    Another user could otherwise put a socket or a link there, because ``/tmp`` is open to all.
    """
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
        raise PermissionError(
            f"{directory} must be a directory of user {uid} with the permissions 0700: remove it"
        )


def make_private(directory: Path) -> None:
    """Make ``directory`` with permissions for this user only; PermissionError if it has others."""
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        pass
    check_private(directory, os.geteuid())

"""Names of sockets, for people who read records and logs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from zlinkcompat.wire.security.mechanism import SOCKET_TYPES

if TYPE_CHECKING:
    from types import FrameType

    from zlinkcompat.core.socket import CoreSocket


#: The most frames to look at for the line of the program that makes a socket.
DEPTH = 20

#: Packages whose frames are between the program and the socket.
PACKAGES = ("zlinkcompat", "zmq")


def place_of_caller() -> Any:
    """Return the (file, line) of the program that makes a socket; None if there is none.

    This runs for every socket, so it is brief: the text is made when somebody asks for it."""
    try:
        frame: FrameType | None = sys._getframe()
    except ValueError:
        return None  # a greenlet that runs compiled methods only
    for _ in range(DEPTH):
        if frame is None:
            break
        module = frame.f_globals.get("__name__")
        if type(module) is not str or module.partition(".")[0] not in PACKAGES:
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def name_of(socket: CoreSocket) -> str:
    """Return the name of a core socket, as text: what the program chose, or the default."""
    if socket.label is not None:
        return str(socket.label)
    kind = SOCKET_TYPES[socket.socket_type].decode()
    if socket.made_at is None:
        return kind
    file, line = socket.made_at
    return f"{kind} {os.path.basename(file)}:{line}"

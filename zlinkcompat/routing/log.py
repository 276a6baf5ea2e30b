"""Log texts of the patterns: rejected peers, and messages that reach nobody.

The patterns do not log each message that arrives. They do not log each message that a publisher
drops for a slow subscriber either, because there may be millions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zlinkcompat._runtime.log_queue import DEBUG, Log

if TYPE_CHECKING:
    from zlinkcompat.routing.pipe import Pipe


LOG = Log("zlinkcompat.routing")


#: What the log calls a message that was sent frame by frame and is dropped.
UNFINISHED = "a message whose peer left before its last frame was sent"


def who(pipe: Pipe) -> str:
    """Return the text with which a log line begins: the endpoint and the peer of ``pipe``."""
    peer = (pipe.metadata or {}).get("Peer-Address", "in this process")
    return f"{pipe.endpoint}: peer {peer}"


def lost(what: str) -> None:
    """Log that a message, described by ``what`` (str), reaches no peer."""
    LOG.debug("dropped: %s", what)


def dropped(pipe: Pipe, what: str) -> None:
    """Log that a message to or from the peer of ``pipe``, described by ``what``, is dropped."""
    if LOG.is_enabled_for(DEBUG):
        LOG.debug("%s: dropped: %s", who(pipe), what)

"""What the patterns log: peers that they refuse, and messages that nobody gets. Never per message
that arrives, and not what a publisher leaves out for a slow subscriber: that may be millions."""

import logging

from zlinkcompat._runtime.log_queue import Log

LOG = Log("zlinkcompat.routing")


#: Why a message that is sent frame by frame is dropped.
UNFINISHED = "a message whose peer left before its last frame was sent"


def who(pipe):
    """The endpoint and the peer at the other end of ``pipe``, to begin a line with."""
    peer = (pipe.metadata or {}).get("Peer-Address", "in this process")
    return f"{pipe.endpoint}: peer {peer}"


def lost(what):
    """Log that a message, which ``what`` describes (str), reaches no peer."""
    LOG.debug("dropped: %s", what)


def dropped(pipe, what):
    """A message to or from ``pipe``'s peer, which ``what`` tells (str), reaches nobody."""
    if LOG.is_enabled_for(logging.DEBUG):
        LOG.debug("%s: dropped: %s", who(pipe), what)

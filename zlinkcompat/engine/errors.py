"""Errors that end a connection although nobody violated the protocol."""

from __future__ import annotations


class Disconnected(Exception):
    """The peer or the network ended the connection.

    Attributes
    ----------
    errno : int
        The reason; 0 for a clean end.
    """

    def __init__(self, errno: int, text: str) -> None:
        Exception.__init__(self, text)
        self.errno = errno

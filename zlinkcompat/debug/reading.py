"""How dumps and records read what other threads may change meanwhile."""

from __future__ import annotations

from typing import Any

#: How often to retry reading what other threads change.
TRIES = 100

#: The names of a connection's states, by their numbers.
STATES = ("handshake", "active", "draining", "failed", "closed")


def copied(things: Any) -> Any:
    """Return a list copy of a collection that may change meanwhile."""
    for _ in range(TRIES):
        try:
            return list(things)
        except RuntimeError:
            continue  # another thread has changed it
    return []

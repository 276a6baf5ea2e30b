"""How a peer talks to the run that started it: JSON lines, out on stdout and in on stdin."""

import json
import select
import sys


def tell(**fields):
    print(json.dumps(fields), flush=True)


def hear():
    """Wait for the next line; blocks the whole process, so only before there are sockets."""
    line = sys.stdin.readline()
    if not line:
        raise EOFError("the run that started this peer is gone")
    return json.loads(line)


def heard():
    """Whether a line has come (or the run is gone). Does not wait."""
    return bool(select.select([sys.stdin], [], [], 0)[0])

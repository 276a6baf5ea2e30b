"""Starts peers, passes word between them, and leaves none behind."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class PeerFailed(Exception):
    """A peer hung, died, or told nonsense; the text ends with what it wrote to stderr."""


class Process:
    """A peer in a process of its own, killed by its pid on the way out if it still runs.

    Parameters
    ----------
    arguments : sequence of str
        For ``python -m``.
    """

    def __init__(self, *arguments):
        self.name = " ".join(arguments[:1])
        self.errors = tempfile.TemporaryFile()
        self.partial = b""
        self.lines = []
        self.popen = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
        )
        os.set_blocking(self.popen.stdout.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        self.popen.stdout.close()
        self.close_stdin()
        self.errors.close()

    def close_stdin(self):
        try:
            self.popen.stdin.close()
        except BrokenPipeError:
            pass

    def tell(self, **fields):
        try:
            self.popen.stdin.write(json.dumps(fields).encode() + b"\n")
            self.popen.stdin.flush()
        except BrokenPipeError:
            raise self.failed("is gone")

    def read(self):
        """Take what is on stdout; False at its end."""
        data = os.read(self.popen.stdout.fileno(), 65536)
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            try:
                word = json.loads(line)
            except ValueError:
                raise self.failed(f"said {line[:200]!r}")
            self.lines.append(word)
        return bool(data)

    def end(self, deadline):
        """Let it go, and see that it ends well."""
        self.close_stdin()
        try:
            code = self.popen.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise self.failed("did not end")
        if code:
            raise self.failed(f"ended with {code}")

    def failed(self, what):
        # It shares the file's position with the peer, so read without moving that.
        size = os.fstat(self.errors.fileno()).st_size
        text = os.pread(self.errors.fileno(), 4000, max(0, size - 4000)).decode(errors="replace")
        return PeerFailed(f"{self.name} {what}\n{text}".rstrip())


def converse(specs, timeout):
    """Run the peers of one round to their ends.

    An endpoint, or that all is ready, is passed to the other peers.

    Parameters
    ----------
    specs : sequence of dict
        For :mod:`bench.peer`.
    timeout : float, seconds
        For all of it.

    Returns
    -------
    dict
        What the peers told as their results, put together.

    Raises
    ------
    PeerFailed
    """
    deadline = time.monotonic() + timeout
    result = {}
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        peers = []
        for spec in specs:
            spec = {**spec, "deadline_s": int(timeout) + 5}
            peer = stack.enter_context(Process("bench.peer", json.dumps(spec)))
            peer.name = f"{spec['library']} ({spec['role']})"
            peers.append(peer)
            selector.register(peer.popen.stdout, selectors.EVENT_READ, peer)
        waiting = set(peers)
        while waiting:
            events = selector.select(max(0, deadline - time.monotonic()))
            if not events:
                # Blame all, since the one that waits may do so for the other's fault.
                texts = [str(peer.failed(f"hung, killed after {timeout:g} s")) for peer in waiting]
                raise PeerFailed("\n".join(texts))
            for key, _ in events:
                peer = key.data
                alive = peer.read()
                for word in peer.lines:
                    if "result" in word:
                        result.update(word["result"])
                        waiting.discard(peer)
                        continue
                    for other in peers:
                        if other is not peer:
                            other.tell(**word)
                peer.lines.clear()
                if not alive:
                    if peer in waiting:
                        peer.popen.wait(5)
                        raise peer.failed(f"ended early with {peer.popen.returncode}")
                    selector.unregister(peer.popen.stdout)
        for peer in peers:
            peer.end(deadline)
    return result

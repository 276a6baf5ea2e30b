"""Drive the peer processes: each end has a long-lived process, which is replaced if it fails."""

import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time

from compat_tests.libraries import REFERENCE

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
# In seconds. The limit of the peer itself is shorter, since the peer's traceback is more useful.
ANSWER_TIMEOUT = 45
PROBE_TIMEOUT = 30  # seconds


def python_of(library):
    """Return the interpreter that runs the ends of ``library``.

    ``ZLINKCOMPAT_PEER_PYTHON`` may name another interpreter for libzmq's ends. Its environment may
    have any version of pyzmq, and needs no other package.
    """
    if library == REFERENCE:
        return os.environ.get("ZLINKCOMPAT_PEER_PYTHON", sys.executable)
    return sys.executable


class PeerFailed(AssertionError):
    """An operation in the peer process raised, or did not end in time."""


class PeerProcess:
    """The process at one end of the connection.

    Parameters
    ----------
    library : str
        Name of the module that it uses.
    """

    def __init__(self, library):
        self.library = library
        self._process = None

    def start(self, op, *args, **kwargs):
        """Start an operation; `finish` waits for it. Only one operation runs at a time."""
        if self._process is None:
            self._spawn()
        self._op = op
        line = json.dumps({"op": op, "args": args, **kwargs}) + "\n"
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except BrokenPipeError:
            self.stop()
            raise PeerFailed(f"{self.library} peer has died before {op}")

    def finish(self):
        """Return the result of the operation that was started.

        Raises
        ------
        PeerFailed
            The operation failed; the error has the traceback of the peer. The next operation uses
            a new process.
        """
        try:
            line = self._answers.get(timeout=ANSWER_TIMEOUT)
        except queue.Empty:
            line = None
        answer = json.loads(line) if line else {"error": "no answer" if line is None else "died"}
        if "error" in answer:
            self.stop()
            raise PeerFailed(f"{self._op} in the {self.library} peer: {answer['error']}")
        return answer["result"]

    def run(self, op, *args, **kwargs):
        """Call `start` and `finish`."""
        self.start(op, *args, **kwargs)
        return self.finish()

    def stop(self):
        """End the process by closing its input, or by force if it does not end."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _spawn(self):
        self._process = subprocess.Popen(
            [python_of(self.library), "-m", "compat_tests.interop.peer", self.library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
        )
        self._answers = queue.SimpleQueue()
        threading.Thread(
            target=_read, args=(self._process.stdout, self._answers), daemon=True
        ).start()


def _read(stdout, answers):
    try:
        for line in stdout:
            answers.put(line)
    except ValueError:  # stop() has closed the stream
        pass
    answers.put("")


def connect(left, right, pair, binder, address, subscription="", security=None):
    """Open the two ends of `pair`, and first the end that binds (`binder`: "left" or "right").

    `security` is a row of `pairs.MECHANISMS`; the binder is its server.
    """
    ends = {"left": (left, pair.left), "right": (right, pair.right)}
    order = ["left", "right"] if binder == "left" else ["right", "left"]
    endpoint = None
    for side in order:
        process, kind = ends[side]
        options = {"routing_id": side, "router_mandatory": 1} if pair.flow == "routed" else {}
        if security:
            options |= security["server" if side == binder else "client"]
            if side == binder:
                process.run("authenticate", security["password"])
        place = {"connect": endpoint} if endpoint else {"bind": address}
        endpoint = process.run("open", kind, options=options, subscription=subscription, **place)


def await_route(sender, receiver, topic="", prefix=()):
    """Send probes with `topic` until one arrives, since PUB and ROUTER drop early messages.

    Messages arrive in order. So once a probe has arrived, all subscriptions that were sent before
    it are in effect.
    """
    deadline = time.monotonic() + PROBE_TIMEOUT
    while time.monotonic() < deadline:
        if sender.run("send_probe", topic=topic, prefix=prefix):
            if receiver.run("see_probe", 20, topic=topic):
                return
    raise PeerFailed(
        f"no probe {topic!r} from {sender.library} to {receiver.library} in {PROBE_TIMEOUT} s"
    )

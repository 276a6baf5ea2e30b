"""Starts the processes of a round, passes word between them, and leaves none behind."""

import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START = 60  # seconds that a library may take to be imported
LAST_WORDS = 4000  # bytes of stderr


class RoundFailed(Exception):
    """A process hung, died, or lost something; the text ends with what it wrote to stderr."""


class Nursery:
    """A library in a process from which those of its rounds are forked (:mod:`bench.nursery`).

    Parameters
    ----------
    adapter : bench.adapters.base.Adapter

    Attributes
    ----------
    about : dict
        What the library tells of itself.
    missing : str or None
        Why it cannot be measured.
    """

    def __init__(self, adapter):
        self.adapter = adapter
        self.about = {}
        self.missing = None
        self.count = 0
        self.link = self.popen = None
        self.errors = tempfile.TemporaryFile()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc_info):
        self.stop()
        self.errors.close()

    def start(self):
        self.link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "bench.nursery", self.adapter.name, str(theirs.fileno())],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.errors,
                env={**os.environ, **self.adapter.environment},
            )
        self.link.settimeout(START)
        try:
            word = self.hear()
        except (EOFError, TimeoutError):
            word = {"missing": f"does not load: {last_words(self.errors)}"}
        self.link.settimeout(None)
        self.about = word.get("about", {})
        self.missing = word.get("missing")

    def stop(self):
        if self.popen is None:
            return
        self.link.close()  # it ends by that, and its children with it
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.popen = None

    def restart(self):
        self.stop()
        self.start()

    def hear(self):
        data = self.link.recv(65536)
        if not data:
            raise EOFError
        return json.loads(data)

    def bear(self, spec):
        """Start the process of ``spec``; returns its :class:`Child`."""
        self.count += 1
        child = Child(self, self.count)
        ours, theirs = socket.socketpair()
        child.control = ours
        ours.setblocking(False)
        with theirs:
            data = json.dumps({**spec, "number": child.number}).encode()
            socket.send_fds(self.link, [data], [theirs.fileno(), child.errors.fileno()])
        return child


class Child:
    """A process of a round."""

    def __init__(self, nursery, number):
        self.nursery = nursery
        self.number = number
        self.control = None
        self.errors = tempfile.TemporaryFile()
        self.partial = b""
        self.pid = self.code = None
        self.cpu = 0.0
        self.result = None
        self.roles = ()

    @property
    def name(self):
        return f"{self.nursery.adapter.name} ({', '.join(self.roles)})"

    def tell(self, word):
        with suppress(BrokenPipeError, ConnectionResetError):
            self.control.sendall(json.dumps(word).encode() + b"\n")

    def words(self):
        """What it has said; None when it has closed its control."""
        try:
            data = self.control.recv(65536)
        except ConnectionResetError:
            data = b""
        *lines, self.partial = (self.partial + data).split(b"\n")
        return [json.loads(line) for line in lines] if data else None

    def kill(self):
        with suppress(OSError):
            self.nursery.link.send(json.dumps({"kill": self.number}).encode())

    def failed(self, what):
        return RoundFailed(f"{self.name} {what}\n{last_words(self.errors)}".rstrip())


def last_words(file):
    # The position is shared with the process that writes, so read without moving it.
    size = os.fstat(file.fileno()).st_size
    text = os.pread(file.fileno(), LAST_WORDS, max(0, size - LAST_WORDS))
    return text.decode(errors="replace").strip()


def converse(nursery, specs, timeout, on_word=None):
    """Run the processes of one round to their ends.

    Parameters
    ----------
    nursery : Nursery
    specs : sequence of dict
        For :func:`bench.peer.run`.
    timeout : float, seconds
        For all of it.
    on_word : callable, optional
        Told of every word (a dict), the children and how to tell them all.

    Returns
    -------
    (list of dict, float)
        Their results, and the CPU seconds of all of them from their start to their end.

    Raises
    ------
    RoundFailed
        After all of them have been ended.
    """
    conversation = Conversation(nursery, timeout, on_word)
    with ExitStack() as stack:
        stack.callback(conversation.end)
        for spec in specs:
            conversation.start({**spec, "deadline": int(timeout) + 5})
        conversation.run()
    results = [child.result for child in conversation.children]
    return results, sum(child.cpu for child in conversation.children)


class Conversation:
    """The run's side of a round."""

    def __init__(self, nursery, timeout, on_word):
        self.nursery = nursery
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout
        self.on_word = on_word
        self.children = []
        self.selector = selectors.DefaultSelector()
        self.selector.register(nursery.link, selectors.EVENT_READ)

    def start(self, spec):
        try:
            child = self.nursery.bear(spec)
        except OSError:
            raise RoundFailed(
                f"{self.nursery.adapter.name}: its nursery is gone\n"
                f"{last_words(self.nursery.errors)}"
            )
        child.roles = spec["roles"]
        self.children.append(child)
        self.selector.register(child.control, selectors.EVENT_READ, child)

    def run(self):
        while any(child.code is None for child in self.children):
            events = self.selector.select(max(0, self.deadline - time.monotonic()))
            if not events:
                # Blame all, since the one that waits may do so for the other's fault.
                raise RoundFailed(
                    "\n".join(
                        str(child.failed(f"hung, killed after {self.timeout:g} s"))
                        for child in self.children
                        if child.code is None
                    )
                )
            for key, _ in events:
                if key.data is None:
                    self.hear_nursery()
                elif key.fileobj in self.selector.get_map():  # not drained meanwhile
                    self.hear_child(key.data)
        for child in self.children:
            if child.result is None:
                raise child.failed("ended without a result")

    def hear_nursery(self):
        try:
            word = self.nursery.hear()
        except (EOFError, OSError):
            raise RoundFailed(
                f"{self.nursery.adapter.name}: its nursery ended\n{last_words(self.nursery.errors)}"
            )
        for child in self.children:
            if child.number == word.get("born"):
                child.pid = word["pid"]
            elif child.number == word.get("ended"):
                child.code, child.cpu = word["code"], word["cpu"]
                self.drain(child)
                if child.code:
                    raise child.failed(f"ended with {child.code}")

    def hear_child(self, child):
        words = child.words()
        if words is None:
            self.selector.unregister(child.control)
            return
        for word in words:
            if "result" in word:
                child.result = word["result"]
                continue
            for other in self.children:
                if other is not child:
                    other.tell(word)
            if self.on_word is not None:
                self.on_word(word, self.children)

    def drain(self, child):
        """Its last words may still be on the way when its end is known."""
        while child.control in self.selector.get_map():
            self.hear_child(child)

    def end(self):
        """Kill and wait for what still runs."""
        for child in self.children:
            if child.code is None:
                child.kill()
        patience = time.monotonic() + 5
        self.nursery.link.settimeout(5)
        try:
            while any(child.code is None for child in self.children):
                word = self.nursery.hear()
                for child in self.children:
                    if child.number == word.get("ended"):
                        child.code = word["code"]
                if time.monotonic() > patience:
                    raise TimeoutError
        except (EOFError, OSError):
            self.nursery.restart()
        else:
            self.nursery.link.settimeout(None)
        for child in self.children:
            child.control.close()
            child.errors.close()
        self.selector.close()

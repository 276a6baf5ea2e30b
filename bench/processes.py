"""Start the processes of a round, forward messages between them, and end all of them."""

import json
import os
import selectors
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress

from .forkserver import command

START = 60  # seconds that importing a library may take
END_OF_STDERR = 4000  # bytes of stderr


class RoundFailed(Exception):
    """A process hung, died or lost messages; the text ends with the output of its stderr."""


class ForkServer:
    """A process that has imported a library and forks the processes of its rounds
    (:mod:`bench.forkserver`).

    Parameters
    ----------
    adapter : bench.adapters.base.Adapter

    Attributes
    ----------
    about : dict
        The library's versions and build.
    missing : str or None
        The reason why the library cannot be measured, or None if it can.
    """

    def __init__(self, adapter):
        self.adapter = adapter
        self.about = {}
        self.missing = None
        self.count = 0
        self.channel = self.popen = None
        self.errors = tempfile.TemporaryFile()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc_info):
        self.stop()
        self.errors.close()

    def start(self):
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.popen = subprocess.Popen(
                command(self.adapter.name, str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.errors,
                env={**os.environ, **self.adapter.environment},
            )
        self.channel.settimeout(START)
        try:
            message = self.receive()
        except (EOFError, TimeoutError):
            message = {"missing": f"does not load: {end_of_stderr(self.errors)}"}
        self.channel.settimeout(None)
        self.about = message.get("about", {})
        self.missing = message.get("missing")

    def stop(self):
        if self.popen is None:
            return
        self.channel.close()  # the process and its children end when it is closed
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.popen = None

    def restart(self):
        self.stop()
        self.start()

    def receive(self):
        data = self.channel.recv(65536)
        if not data:
            raise EOFError
        return json.loads(data)

    def spawn(self, spec):
        """Start the process of ``spec``; return its :class:`Child`."""
        self.count += 1
        child = Child(self, self.count)
        ours, theirs = socket.socketpair()
        child.control = ours
        ours.setblocking(False)
        with theirs:
            data = json.dumps({**spec, "number": child.number}).encode()
            socket.send_fds(self.channel, [data], [theirs.fileno(), child.errors.fileno()])
        return child


class Child:
    """A process of a round."""

    def __init__(self, forkserver, number):
        self.forkserver = forkserver
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
        return f"{self.forkserver.adapter.name} ({', '.join(self.roles)})"

    def send(self, message):
        with suppress(BrokenPipeError, ConnectionResetError):
            self.control.sendall(json.dumps(message).encode() + b"\n")

    def receive(self):
        """Return the messages that have arrived, or None if the child has closed its control
        socket."""
        try:
            data = self.control.recv(65536)
        except ConnectionResetError:
            data = b""
        *lines, self.partial = (self.partial + data).split(b"\n")
        return [json.loads(line) for line in lines] if data else None

    def kill(self):
        with suppress(OSError):
            self.forkserver.channel.send(json.dumps({"kill": self.number}).encode())

    def failed(self, what):
        return RoundFailed(f"{self.name} {what}\n{end_of_stderr(self.errors)}".rstrip())


def end_of_stderr(file):
    # The writing process shares the file position, so read without moving it.
    size = os.fstat(file.fileno()).st_size
    text = os.pread(file.fileno(), END_OF_STDERR, max(0, size - END_OF_STDERR))
    return text.decode(errors="replace").strip()


def run_processes(forkserver, specs, timeout, on_message=None):
    """Run the processes of one round until all of them have ended.

    Parameters
    ----------
    forkserver : ForkServer
    specs : sequence of dict
        The specs of the processes, for :func:`bench.peer.run`.
    timeout : float, seconds
        The time limit for the round.
    on_message : callable, optional
        Called with each message from a process (a dict) and the list of :class:`Child`.

    Returns
    -------
    (list of dict, float)
        The results of the processes, and the CPU seconds of all processes together, from start to
        end.

    Raises
    ------
    RoundFailed
        The round failed. All of its processes have been ended.
    """
    processes = RoundProcesses(forkserver, timeout, on_message)
    with ExitStack() as stack:
        stack.callback(processes.end)
        for spec in specs:
            processes.start({**spec, "deadline": int(timeout) + 5})
        processes.run()
    results = [child.result for child in processes.children]
    return results, sum(child.cpu for child in processes.children)


class RoundProcesses:
    """The processes of a round, as the run sees them."""

    def __init__(self, forkserver, timeout, on_message):
        self.forkserver = forkserver
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout
        self.on_message = on_message
        self.children = []
        self.selector = selectors.DefaultSelector()
        self.selector.register(forkserver.channel, selectors.EVENT_READ)

    def start(self, spec):
        try:
            child = self.forkserver.spawn(spec)
        except OSError:
            raise RoundFailed(
                f"{self.forkserver.adapter.name}: its forkserver is gone\n"
                f"{end_of_stderr(self.forkserver.errors)}"
            )
        child.roles = spec["roles"]
        self.children.append(child)
        self.selector.register(child.control, selectors.EVENT_READ, child)

    def run(self):
        while any(child.code is None for child in self.children):
            events = self.selector.select(max(0, self.deadline - time.monotonic()))
            if not events:
                # Name all processes, because the one that hangs may only wait for another one.
                raise RoundFailed(
                    "\n".join(
                        str(child.failed(f"hung, killed after {self.timeout:g} s"))
                        for child in self.children
                        if child.code is None
                    )
                )
            for key, _ in events:
                if key.data is None:
                    self.on_forkserver_message()
                elif key.fileobj in self.selector.get_map():  # not unregistered by an event before
                    self.on_child_readable(key.data)
        for child in self.children:
            if child.result is None:
                raise child.failed("ended without a result")

    def on_forkserver_message(self):
        try:
            message = self.forkserver.receive()
        except (EOFError, OSError):
            raise RoundFailed(
                f"{self.forkserver.adapter.name}: its forkserver ended\n"
                f"{end_of_stderr(self.forkserver.errors)}"
            )
        for child in self.children:
            if child.number == message.get("spawned"):
                child.pid = message["pid"]
            elif child.number == message.get("ended"):
                child.code, child.cpu = message["code"], message["cpu"]
                self.drain(child)
                if child.code:
                    raise child.failed(f"ended with {child.code}")

    def on_child_readable(self, child):
        messages = child.receive()
        if messages is None:
            self.selector.unregister(child.control)
            return
        for message in messages:
            if "result" in message:
                child.result = message["result"]
                continue
            for other in self.children:
                if other is not child:
                    other.send(message)
            if self.on_message is not None:
                self.on_message(message, self.children)

    def drain(self, child):
        """Read the last messages of a child, which may arrive after the report of its end."""
        while child.control in self.selector.get_map():
            self.on_child_readable(child)

    def end(self):
        """Kill the processes that still run, and wait until they have ended."""
        for child in self.children:
            if child.code is None:
                child.kill()
        patience = time.monotonic() + 5
        self.forkserver.channel.settimeout(5)
        try:
            while any(child.code is None for child in self.children):
                message = self.forkserver.receive()
                for child in self.children:
                    if child.number == message.get("ended"):
                        child.code = message["code"]
                if time.monotonic() > patience:
                    raise TimeoutError
        except (EOFError, OSError):
            self.forkserver.restart()
        else:
            self.forkserver.channel.settimeout(None)
        for child in self.children:
            child.control.close()
            child.errors.close()
        self.selector.close()

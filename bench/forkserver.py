"""A process that imports a library, and forks a process for each end of each round.

This way a round starts within milliseconds, in processes that no other round has used.
:mod:`bench.processes` starts the forkserver with the name of a library and the descriptor of a
socket. All messages over this socket are JSON. A message with the spec of a process to spawn also
passes two descriptors: the control socket and the stderr of that process.
"""

import ctypes
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from pathlib import Path

from . import latency, peer  # noqa: F401 - imported for the children
from .adapters import adapter
from .adapters.base import Missing

SIZE = 65536
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1
#: Imports this package by its path, under the name "bench". If the bench is installed as part of
#: zlinkcompat, a process that measures pyzmq must not import zlinkcompat.
BOOT = """
import sys
from importlib import import_module, util
folder = sys.argv.pop(1)
where = {"location": folder + "/__init__.py", "submodule_search_locations": [folder]}
spec = util.spec_from_file_location("bench", **where)
sys.modules["bench"] = package = util.module_from_spec(spec)
spec.loader.exec_module(package)
import_module("bench.forkserver").main(*sys.argv[1:])
"""


def command(*arguments):
    """Return the command that starts a new process with :func:`main`."""
    return [sys.executable, "-c", BOOT, str(Path(__file__).parent), *arguments]


class Parent:
    """The state of the forkserver: its children, and its channel to the run."""

    def __init__(self, library, channel):
        self.library = library
        self.channel = channel
        self.children = {}  # number of the child's spec: pid

    def send(self, **message):
        self.channel.send(json.dumps(message).encode())

    def run(self):
        woken, wake = socket.socketpair()
        for each in (woken, wake):
            each.setblocking(False)
        signal.set_wakeup_fd(wake.fileno())
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        selector = selectors.DefaultSelector()
        selector.register(woken, selectors.EVENT_READ)
        selector.register(self.channel, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is woken:
                    woken.recv(SIZE)
                    self.reap()
                elif not self.receive():
                    return

    def receive(self):
        """Receive one message and execute it; return False if the run has closed the socket."""
        data, files, _, _ = socket.recv_fds(self.channel, SIZE, 2)
        if not data:
            return False
        message = json.loads(data)
        if "kill" in message:
            self.kill(message["kill"])
        else:
            self.spawn(message, files)
        return True

    def spawn(self, spec, files):
        pid = os.fork()
        if pid == 0:
            self.run_child(spec, files)
        for each in files:
            os.close(each)
        self.children[spec["number"]] = pid
        self.send(spawned=spec["number"], pid=pid)

    def run_child(self, spec, files):
        """Run one process of a round; called in the forked child. Never returns."""
        code = 1
        try:
            die_with_parent()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self.channel.close()
            control, errors = files
            os.dup2(errors, 2)
            os.close(errors)
            if not self.library.forks:
                os.set_inheritable(control, True)
                os.execv(sys.executable, command(self.library.name, str(control), json.dumps(spec)))
            with socket.socket(fileno=control) as wire:
                peer.run(self.library, spec, wire)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def reap(self):
        for number, pid in list(self.children.items()):
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                del self.children[number]
                self.send(
                    ended=number,
                    code=os.waitstatus_to_exitcode(status),
                    cpu=usage.ru_utime + usage.ru_stime,
                )

    def kill(self, number):
        if number in self.children:
            os.kill(self.children[number], signal.SIGKILL)

    def end(self):
        for number in list(self.children):
            self.kill(number)


def die_with_parent():
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(name, fd, spec=None):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run handles Ctrl-C
    channel = socket.socket(fileno=int(fd))
    library = adapter(name)
    if spec is not None:  # a new process, for a library that does not survive fork()
        library.load()
        peer.run(library, json.loads(spec), channel)
        os._exit(0)
    parent = Parent(library, channel)
    try:
        library.load()
        parent.send(about=library.about())
    except Missing as error:
        parent.send(missing=str(error))
        return
    except Exception as error:
        traceback.print_exc()
        parent.send(missing=f"does not load: {error}")
        return
    try:
        parent.run()
    finally:
        parent.end()

"""A process that has a library imported, and forks one for each end of each round from itself.

So a round starts in milliseconds, in a process that no other round was in. Started by
:mod:`bench.link`: ``python -m bench.nursery NAME FD``. What it says and hears are JSON messages
over the socket ``FD``; a spec to be born comes with the two descriptors of its control and stderr.
"""

import ctypes
import json
import os
import selectors
import signal
import socket
import sys
import traceback

from bench import latency, peer  # noqa: F401 - imported for the children
from bench.adapters import adapter
from bench.adapters.base import Missing

SIZE = 65536
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1


class Parent:
    """The process itself: of the children it has, and what it and the run say."""

    def __init__(self, library, link):
        self.library = library
        self.link = link
        self.children = {}  # number of the spec: pid

    def say(self, **words):
        self.link.send(json.dumps(words).encode())

    def run(self):
        woken, wake = socket.socketpair()
        for each in (woken, wake):
            each.setblocking(False)
        signal.set_wakeup_fd(wake.fileno())
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        selector = selectors.DefaultSelector()
        selector.register(woken, selectors.EVENT_READ)
        selector.register(self.link, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is woken:
                    woken.recv(SIZE)
                    self.reap()
                elif not self.hear():
                    return

    def hear(self):
        data, files, _, _ = socket.recv_fds(self.link, SIZE, 2)
        if not data:
            return False
        word = json.loads(data)
        if "kill" in word:
            self.kill(word["kill"])
        else:
            self.bear(word, files)
        return True

    def bear(self, spec, files):
        pid = os.fork()
        if pid == 0:
            self.live(spec, files)
        for each in files:
            os.close(each)
        self.children[spec["number"]] = pid
        self.say(born=spec["number"], pid=pid)

    def live(self, spec, files):
        """Never returns: only this round's work is done in the child."""
        code = 1
        try:
            die_with_parent()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self.link.close()
            control, errors = files
            os.dup2(errors, 2)
            os.close(errors)
            if not self.library.forks:
                os.set_inheritable(control, True)
                command = [sys.executable, "-m", __spec__.name, self.library.name, str(control)]
                os.execv(sys.executable, [*command, json.dumps(spec)])
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
                self.say(
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run hears it, and ends this
    link = socket.socket(fileno=int(fd))
    library = adapter(name)
    if spec is not None:  # a child that could not be forked with the library in it
        library.load()
        peer.run(library, json.loads(spec), link)
        os._exit(0)
    parent = Parent(library, link)
    try:
        library.load()
        parent.say(about=library.about())
    except Missing as error:
        parent.say(missing=str(error))
        return
    except Exception as error:
        traceback.print_exc()
        parent.say(missing=f"does not load: {error}")
        return
    try:
        parent.run()
    finally:
        parent.end()


if __name__ == "__main__":
    main(*sys.argv[1:])

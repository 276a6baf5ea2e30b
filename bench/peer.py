"""One end of a case in a process of its own: ``python -m bench.peer SPEC``, SPEC in JSON.

It tells ``{"endpoint": ...}`` where it binds, hears the endpoint where it connects, and tells
``{"result": ...}`` at the end. Started by :mod:`bench.link`.
"""

import json
import signal
import sys
from functools import partial
from operator import itemgetter

from bench import library, memory, raw, roundtrip, throughput
from bench.cases import PATTERNS, Case
from bench.control import hear, heard, tell


class Peer:
    """The ends of one case on one library.

    Parameters
    ----------
    name : str
        Module name of the library.
    case : Case
    seconds : float
    address : str
        Where to bind.
    """

    def __init__(self, name, case, seconds, address):
        self.name = name
        self.zmq = library.load(name)
        self.case = case
        self.seconds = seconds
        self.address = address
        self.context = self.zmq.Context()

    def socket(self, end):
        """The socket of ``end``: 0 sends or asks, 1 receives or answers."""
        zmq = self.zmq
        socket = self.context.socket(getattr(zmq, PATTERNS[self.case.pattern][end]))
        socket.setsockopt(zmq.LINGER, -1)  # pyomq's default is to drop what is not sent yet
        if self.case.pattern == "pub-sub":
            # At a limit a PUB drops; the rate is of what arrives, and everything must.
            socket.setsockopt((zmq.SNDHWM, zmq.RCVHWM)[end], 0)
            if end:
                socket.setsockopt(zmq.SUBSCRIBE, b"")
        return socket

    def bound(self):
        socket = self.socket(1)
        socket.bind(self.address)
        if self.case.transport == "inproc":
            return socket, self.address
        return socket, socket.getsockopt(self.zmq.LAST_ENDPOINT).rstrip(b"\0").decode()

    def connected(self, endpoint):
        socket = self.socket(0)
        socket.connect(endpoint)
        return socket

    # What an end does with its socket; each returns its part of the result.

    def sending(self, socket):
        case = self.case
        if case.kind == "trip":
            sent, times = roundtrip.ask(socket.send, socket.recv, case.size, self.seconds)
            result = {"sent": sent, **roundtrip.summary(times)}
        else:
            if case.pattern == "pub-sub":
                while not heard():
                    socket.send(throughput.SYNC)
                    library.sleep(self.name, 0.001)
                hear()
            sent = throughput.send(socket.send, case.size, case.batch, self.seconds)
            result = {"sent": sent}
        return result

    def receiving(self, socket):
        case = self.case
        if case.kind == "memory":
            result = memory.serve(socket, case.size)
        elif case.kind == "trip":
            count = roundtrip.answer(socket.send, socket.recv, case.size)
            result = {"received": count}
        else:
            receive_one, body = socket.recv, bytes
            if case.pattern == "dealer-router":
                receive_one, body = socket.recv_multipart, itemgetter(-1)
            on_first = partial(tell, ready=True) if case.pattern == "pub-sub" else None
            count, rate = throughput.receive(receive_one, body, case.size, case.batch, on_first)
            result = {"received": count, "rate": rate}
        socket.close()
        return result

    # Roles.

    def connect(self):
        """Be the end that connects."""
        socket = self.connected(hear()["endpoint"])
        tell(result=self.sending(socket))
        # Stay until the other end has it all: a libzmq that is at its high-water mark when an ipc
        # peer hangs up drops what is still in the kernel, whatever the peer's linger.
        while not heard():
            library.sleep(self.name, 0.01)
        socket.close()
        self.context.term()

    def bind(self):
        """Be the end that binds."""
        if self.case.kind == "memory":
            memory.raise_file_limit(self.case.size + 100)
        socket, endpoint = self.bound()
        tell(endpoint=endpoint)
        result = self.receiving(socket)
        self.context.term()
        tell(result=result)

    def both(self):
        """Be both ends, over inproc."""
        socket, endpoint = self.bound()
        result = {}

        def other():
            socket = self.connected(endpoint)
            result.update(self.sending(socket))
            socket.close()

        wait = library.spawn(self.name, other)
        result.update(self.receiving(socket))
        wait()
        self.context.term()
        tell(result=result)


def run_raw(role, case, seconds, address):
    if role == "connect":
        (raw.ask if case.kind == "trip" else raw.send)(case.size, seconds)
    else:
        (raw.answer if case.kind == "trip" else raw.receive)(address, case.size)


def main(spec):
    # The last resort, should the run that started this be gone: a process ends by default.
    signal.alarm(spec["deadline_s"])
    case = Case(spec["pattern"], spec["transport"], spec["size"])
    name, role = spec["library"], spec["role"]
    if name == "raw":
        run_raw(role, case, spec["seconds"], spec["address"])
    elif case.kind == "memory" and role == "connect":
        memory.crowd(hear()["endpoint"], case.size)
    else:
        getattr(Peer(name, case, spec["seconds"], spec["address"]), role)()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

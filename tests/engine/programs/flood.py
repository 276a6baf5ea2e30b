"""Run hostile peers of one server: ``flood.py SPECIFICATIONS``, a JSON list.

Each specification has ``endpoint``, ``type`` (of the peers), ``mechanism``, ``key`` (the server's
public key, Z85), ``minor``, ``state``, ``flood`` (a name in ``floods.py``), ``count`` (the number
of connections at a time) and ``drains`` (whether the server closes its socket). The program prints
``ready`` when each connection has reached its state once. After a line on stdin, or at its end, the
program prints what it has sent as JSON, and ends.
"""

import json
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from floods import CIPHERTEXT, FLOODS
from stranger import Stranger, dial, reset

import zlinkcompat as zmq
from zlinkcompat.wire.errors import ProtocolError

#: Seconds between two connections of one peer if the server ends each of them at once.
PAUSE = 0.002


class Peer(threading.Thread):
    """A thread that floods the server, and reconnects when the server has ended the connection."""

    def __init__(self, specification, over):
        super().__init__(daemon=True)
        self.specification = specification
        self.over = over
        self.flood = FLOODS[specification["flood"]]
        self.begun = threading.Event()
        self.sent = self.connections = self.ended = 0
        self.failure = None

    def run(self):
        try:
            while not self.over.is_set():
                self.once()
                time.sleep(PAUSE)
        except Exception as error:
            self.failure = repr(error)
        self.begun.set()

    def once(self):
        told = self.specification
        sock = None
        try:
            sock = dial(told["endpoint"])
            stranger = Stranger(
                sock,
                told["endpoint"],
                getattr(zmq, told["type"]),
                told["mechanism"],
                told["state"],
                told["key"].encode(),
                told["minor"],
            )
            self.connections += 1
            self.begun.set()
            self.speak(stranger)
        except (ConnectionError, TimeoutError, FileNotFoundError):
            # A server that has drained its socket removes the ipc path.
            self.ended += 1
        except ProtocolError:
            # A server that has drained its socket releases its port, and another program may use
            # the port by now.
            if not told["drains"]:
                raise
            self.ended += 1
        finally:
            if sock is not None:
                reset(sock)

    def speak(self, stranger):
        made = self.flood(stranger)
        step = 1 if self.specification["flood"] == "byte_by_byte" else sys.maxsize
        while not self.over.is_set():
            data = made() if callable(made) else made
            if not data:
                return
            for at in range(0, len(data), min(step, len(data))):
                self.send(stranger, data[at : at + step])
            if step == 1 and not callable(made):
                return  # the next bytes would end the connection anyway
            self.swallow(stranger.sock)

    def send(self, stranger, data):
        sock = stranger.sock
        if stranger.stream is not sock and self.flood not in CIPHERTEXT:
            stranger.stream.tls.write(data)
            data = stranger.stream.outgoing.read()
        view = memoryview(data)
        while view and not self.over.is_set():
            sock.settimeout(0.2)
            try:
                count = sock.send(view)
            except TimeoutError:
                continue  # the server reads no more for now
            self.sent += count
            view = view[count:]

    def swallow(self, sock):
        """Read and discard what the server sends, so that it can send more."""
        sock.settimeout(0)
        try:
            while sock.recv(65536):
                pass
            raise ConnectionResetError("the server closed")
        except BlockingIOError:
            pass


def main():
    over = threading.Event()
    peers = [Peer(told, over) for told in json.loads(sys.argv[1]) for _ in range(told["count"])]
    for peer in peers:
        peer.start()
    for peer in peers:
        peer.begun.wait()
    print("ready", flush=True)
    sys.stdin.readline()
    over.set()
    for peer in peers:
        peer.join()
    print(
        json.dumps(
            {
                "sent": sum(peer.sent for peer in peers),
                "connections": sum(peer.connections for peer in peers),
                "ended": sum(peer.ended for peer in peers),
                "failures": [peer.failure for peer in peers if peer.failure],
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()

"""Both libraries react alike if a proxy repeats, reorders, forges or inserts frames under CURVE."""

import socket
import struct
import threading

import pytest
from exactly import read

from compat_tests.differential.test_security import CURVE, GIVEN_UP, options

GREETING = 64


class Proxy:
    """A proxy for one connection; ``change(number, frame)`` returns the frames for the server.

    Frame 0 is HELLO, frame 1 is INITIATE, and all later frames are messages of the client.
    """

    def __init__(self, endpoint, change):
        self.change = change
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.port = int(endpoint.rpartition(":")[2])
        self.threads = [threading.Thread(target=self.serve, daemon=True)]
        self.threads[0].start()

    def serve(self):
        client = self.listener.accept()[0]
        server = socket.create_connection(("127.0.0.1", self.port))
        back = threading.Thread(target=self.copy, args=(server, client), daemon=True)
        back.start()
        try:
            server.sendall(read(client, GREETING))
            number = 0
            while True:
                head = read(client, 1)
                size = read(client, 8 if head[0] & 2 else 1)
                frame = head + size + read(client, int.from_bytes(size, "big"))
                for each in self.change(number, frame):
                    server.sendall(each)
                number += 1
        except (EOFError, OSError):
            pass
        server.close()
        back.join()
        client.close()

    def copy(self, source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


def passing(number, frame):
    return [frame]


def at(wanted, change):
    return lambda number, frame: change(frame) if number == wanted else [frame]


def flipped(frame, place):
    changed = bytearray(frame)
    changed[place] ^= 1
    return bytes(changed)


class Swapped:
    def __init__(self, first):
        self.first = first
        self.kept = b""

    def __call__(self, number, frame):
        if number == self.first:
            self.kept = frame
            return []
        return [frame, self.kept] if number == self.first + 1 else [frame]


CASES = {
    "as-it-is": lambda: passing,
    "lost": lambda: at(3, lambda frame: []),
    "repeated": lambda: at(3, lambda frame: [frame, frame]),
    "in-another-order": lambda: Swapped(3),
    "forged": lambda: at(3, lambda frame: [flipped(frame, len(frame) - 1)]),
    "another-nonce": lambda: at(3, lambda frame: [flipped(frame, 17)]),
    "another-word": lambda: at(3, lambda frame: [flipped(frame, 5)]),
    "in-plain": lambda: at(3, lambda frame: [b"\0\5plain", frame]),
    "a-ping-in-plain": lambda: at(3, lambda frame: [b"\4\7\4PING\0\0", frame]),
    "cut-off": lambda: at(3, lambda frame: [b"\0\x20" + frame[2:34]]),
    "hello-repeated": lambda: at(0, lambda frame: [frame, frame]),
    "initiate-repeated": lambda: at(1, lambda frame: [frame, frame]),
    "initiate-forged": lambda: at(1, lambda frame: [flipped(frame, 200)]),
    "cookie-forged": lambda: at(1, lambda frame: [flipped(frame, 60)]),
    "hello-forged": lambda: at(0, lambda frame: [flipped(frame, 150)]),
    "hello-of-another-version": lambda: at(0, lambda frame: [flipped(frame, 8)]),
    "no-hello": lambda: at(0, lambda frame: []),
}


@pytest.mark.parametrize("case", CASES)
def test_manipulated_frames_have_the_same_effect(both, case):
    def scenario(bench):
        zmq = bench.zmq
        short = {"handshake_ivl": 500, "reconnect_ivl": -1}
        server = bench.socket("PULL", bind="tcp://127.0.0.1:*", **short, **options(zmq, CURVE[0]))
        monitor = server.get_monitor_socket()
        proxy = Proxy(server.last_endpoint.decode(), CASES[case]())
        client = bench.socket("PUSH", **short, **options(zmq, CURVE[1]))
        client.connect(proxy.endpoint)
        got, told = [], []
        try:
            for number in range(5):
                client.send(b"message %d" % number)
            client.close(1000)
            while not told or told[-1][0] != "DISCONNECTED":
                assert monitor.poll(GIVEN_UP), told
                head, _ = monitor.recv_multipart()
                event, value = struct.unpack("<Hi", head)
                name = zmq.Event(event).name
                if name.startswith(("HANDSHAKE", "DISCONNECTED")):
                    numbered = name.endswith(("PROTOCOL", "AUTH"))
                    told.append((name, value if numbered else None))
            while server.poll(50):
                got.append(server.recv())
        finally:
            server.disable_monitor()
            monitor.close(0)
            proxy.close()
        return got, told

    got, _told = both(scenario)
    assert got == [b"message %d" % n for n in range(5)][: len(got)] or case == "lost"
    if case not in ("as-it-is", "lost"):
        assert len(got) < 5

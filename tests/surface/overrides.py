"""Override ``send`` and ``recv`` of sockets in several ways: ``python overrides.py LIBRARY``.

The program prints what each method for whole messages then sends and receives. The output must be
the same for both libraries.
"""

import importlib
import itertools
import sys
from unittest import mock

zmq = importlib.import_module(sys.argv[1])
context = zmq.Context()
numbers = itertools.count()


class Shouting(zmq.Socket):
    def send(self, data, *args, **kwargs):
        return super().send(b"S" + bytes(data), *args, **kwargs)

    def recv(self, *args, **kwargs):
        return b"R" + super().recv(*args, **kwargs)


class ShoutingParts(zmq.Socket):
    def send_multipart(self, msg_parts, *args, **kwargs):
        return super().send_multipart([b"S", *msg_parts], *args, **kwargs)

    def recv_multipart(self, *args, **kwargs):
        return [b"R", *super().recv_multipart(*args, **kwargs)]


def pair(cls):
    """Return a socket of ``cls`` and its peer, a plain ``zmq.Socket``."""
    one = context.socket(zmq.PAIR, socket_class=cls)
    other = context.socket(zmq.PAIR, socket_class=zmq.Socket)
    other.rcvtimeo = one.rcvtimeo = 10_000
    name = f"inproc://{next(numbers)}"
    one.bind(name)
    other.connect(name)
    return one, other


def exchange(title, one, other):
    """Send with each method of ``one``, then receive with each."""
    for method, argument in [
        ("send", b"data"),
        ("send_multipart", [b"two", b"frames"]),
        ("send_string", "text"),
        ("send_json", {"a": 1}),
        ("send_multipart", (bytearray(b"a"), memoryview(b"b"))),
    ]:
        getattr(one, method)(argument)
        print(title, method, other.recv_multipart())
    one.send_serialized([1, 2], lambda parts: [str(part).encode() for part in parts])
    print(title, "send_serialized", other.recv_multipart())
    for method in ("recv", "recv_multipart", "recv_string"):
        other.send(b"data")
        print(title, method, getattr(one, method)())
    other.send_multipart([b"two", b"frames"])
    print(title, "recv_multipart", one.recv_multipart())
    other.send_multipart([b"1", b"2"])
    print(title, "recv_serialized", one.recv_serialized(lambda parts: parts))
    try:
        one.send_multipart([b"good", "text"])
    except TypeError as error:
        print(title, "refused", error)


def closing(one, other):
    one.close()
    other.close()


for cls in (Shouting, ShoutingParts):
    sockets = pair(cls)
    exchange(cls.__name__, *sockets)
    closing(*sockets)

one, other = pair(zmq.Socket)
plain_send, plain_recv = one.send, one.recv
one.send = lambda data, *args, **kwargs: plain_send(b"I" + bytes(data), *args, **kwargs)
one.recv = lambda *args, **kwargs: b"J" + plain_recv(*args, **kwargs)
exchange("instance", one, other)
closing(one, other)

one, other = pair(zmq.Socket)
send, recv = zmq.Socket.send, zmq.Socket.recv


def patched_send(self, data, *args, **kwargs):
    return send(self, (b"P" if self is one else b"") + bytes(data), *args, **kwargs)


def patched_recv(self, *args, **kwargs):
    return (b"Q" if self is one else b"") + recv(self, *args, **kwargs)


with (
    mock.patch.object(zmq.Socket, "send", patched_send),
    mock.patch.object(zmq.Socket, "recv", patched_recv),
):
    exchange("class", one, other)
exchange("restored", one, other)
closing(one, other)
context.term()

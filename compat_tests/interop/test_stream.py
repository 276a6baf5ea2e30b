"""A STREAM and a plain tcp socket exchange bytes unchanged, and both notice a close."""

import select
import socket
import threading
import time

import pytest

from compat_tests.interop.messages import SINGLE_FRAMES, digest, part
from compat_tests.libraries import LIBRARIES

TIMEOUT = 30  # seconds


def raw_connection(stream, stream_binds):
    if stream_binds:
        endpoint = stream.run("open", "STREAM", bind="tcp://127.0.0.1:*")
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        return socket.create_connection((host, int(port)), TIMEOUT)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)
        port = listener.getsockname()[1]
        stream.run("open", "STREAM", connect=f"tcp://127.0.0.1:{port}")
        raw = listener.accept()[0]
        raw.settimeout(TIMEOUT)
        return raw


def receive(raw, size):
    data = bytearray()
    while len(data) < size and (chunk := raw.recv(1 << 20)):
        data += chunk
    return bytes(data)


def await_readable(raw, stream):
    """Call the STREAM socket until `raw` is readable: libzmq finishes a close in its calls."""
    deadline = time.monotonic() + TIMEOUT
    while not select.select([raw], [], [], 0.02)[0]:
        assert time.monotonic() < deadline, f"nothing from STREAM in {TIMEOUT} s"
        stream.run("poll")


@pytest.mark.parametrize("stream_binds", [True, False], ids=["stream-binds", "raw-binds"])
@pytest.mark.parametrize("closer", ["stream", "raw"])
@pytest.mark.parametrize("name", LIBRARIES)
def test_stream_and_plain_socket(peer, name, stream_binds, closer):
    stream = peer("left", name)
    with raw_connection(stream, stream_binds) as raw:
        stream.run("stream_open")
        for (size,) in SINGLE_FRAMES[1:]:
            data = part(size, "raw")
            stream.start("stream_echo", size)
            sender = threading.Thread(target=raw.sendall, args=(data,))
            sender.start()
            assert receive(raw, size) == data
            sender.join(TIMEOUT)
            assert stream.finish() == digest(data)
        if closer == "stream":
            stream.run("stream_close")
            await_readable(raw, stream)
            assert raw.recv(1) == b""
        else:
            raw.shutdown(socket.SHUT_RDWR)
            assert stream.run("stream_closed") == [0]

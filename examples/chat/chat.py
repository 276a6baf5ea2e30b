"""Run a live chat for browsers, without a library in the page: one STREAM socket over ``ws://``.

    python examples/chat/chat.py    # then open the address that it prints in two windows

Each browser is a peer of the socket. An empty message says that a peer came or left.
"""

import functools
import json
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import zlinkcompat.green as zmq


def serve_page():
    """Serve this folder; returns the port."""
    folder = str(Path(__file__).parent)
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(SimpleHTTPRequestHandler, directory=folder)
    )
    Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def chat(stream):
    """Pass on to all what one says."""
    present = set()
    while True:
        peer, said = stream.recv_multipart()
        if not said:
            present ^= {peer}
            said = json.dumps({"present": len(present)}).encode()
        for each in list(present):
            try:
                stream.send_multipart([each, said], zmq.NOBLOCK)
            except zmq.ZMQError:  # the peer has left (EHOSTUNREACH) or does not read (EAGAIN)
                continue


def main():
    stream = zmq.Context.instance().socket(zmq.STREAM)
    stream.maxmsgsize = 4096  # bytes
    stream.ws_text = 1
    page = f"http://127.0.0.1:{serve_page()}"
    stream.ws_origins = page  # refuse pages of other origins
    stream.bind("ws://127.0.0.1:*/chat")
    room = stream.last_endpoint.decode()
    print(f"{page}/index.html?room={room}", flush=True)
    chat(stream)


if __name__ == "__main__":
    sys.exit(main())

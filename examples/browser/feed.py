"""Show a web page that draws what a PUB socket publishes and asks a REP socket, over ``ws://``.

    npm install --prefix examples/browser     # once: jszmq, and its bundler
    npm run --prefix examples/browser build
    python examples/browser/feed.py           # then open the address that it prints

The program also serves the page, whose address contains the endpoints of the sockets.
"""

import functools
import math
import sys
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import gevent

import zlinkcompat as zmq


def serve_pages():
    """Serve this folder; returns the port."""
    folder = str(Path(__file__).parent)
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(SimpleHTTPRequestHandler, directory=folder)
    )
    Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def publish(pub):
    while True:
        now = time.time()
        pub.send_multipart([b"wave", b"%.4f" % math.sin(now * 2)])
        gevent.sleep(0.02)


def answer(rep):
    while True:
        rep.send(rep.recv().upper())


def main():
    context = zmq.Context.instance()
    pub, rep = context.socket(zmq.PUB), context.socket(zmq.REP)
    pages = f"http://127.0.0.1:{serve_pages()}"
    # Refuse pages of other origins, such as any other page that the user visits.
    pub.ws_origins = rep.ws_origins = pages
    pub.bind("ws://127.0.0.1:*/feed")
    rep.bind("ws://127.0.0.1:*/ask")
    feed, ask = pub.last_endpoint.decode(), rep.last_endpoint.decode()
    print(f"{pages}/index.html?feed={feed}&ask={ask}", flush=True)
    gevent.joinall([gevent.spawn(publish, pub), gevent.spawn(answer, rep)])


if __name__ == "__main__":
    sys.exit(main())

"""A page that draws what a PUB publishes, and a form that asks a REP, over ``ws://``.

    npm install --prefix examples/browser     # jszmq and what bundles it, once
    npm run --prefix examples/browser build
    python examples/browser/feed.py           # then open what it prints

Pages are served on the first port, the sockets' endpoints are told to the page by its address.
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
    # Pages of other origins, as any that the user visits, are refused.
    pub.ws_origins = rep.ws_origins = pages
    pub.bind("ws://127.0.0.1:*/feed")
    rep.bind("ws://127.0.0.1:*/ask")
    feed, ask = pub.last_endpoint.decode(), rep.last_endpoint.decode()
    print(f"{pages}/index.html?feed={feed}&ask={ask}", flush=True)
    gevent.joinall([gevent.spawn(publish, pub), gevent.spawn(answer, rep)])


if __name__ == "__main__":
    sys.exit(main())

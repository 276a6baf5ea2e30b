"""A server under attack: ``flooded_server.py SPECIFICATION``, which is JSON.

``type``, ``endpoint`` and ``options`` of the socket that is attacked, ``mechanism``, ``drains``
(closes the socket, with messages to send, when the first peer is there). Prints its endpoints as
JSON: ``echo``, where an innocent peer asks, and ``target``. A line on stdin asks what the process
holds; it ends with its input.
"""

import gc
import json
import logging
import os
import select
import sys
import threading
import time
from pathlib import Path

from greenlet import greenlet

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import zlinkcompat as zmq

SPECIFICATION = json.loads(sys.argv[1])

PUBLIC = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
SECRET = b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
UNEXPECTED = []


class Unexpected(logging.Handler):
    """Keeps the errors that the engine logs with a traceback."""

    def emit(self, record):
        if record.exc_info:
            UNEXPECTED.append(repr(record.exc_info[1]))


def admit_all(context):
    """A ZAP handler; PLAIN lets nobody in without one."""
    handler = context.socket(zmq.REP)
    handler.bind("inproc://zeromq.zap.01")
    while True:
        version, request = handler.recv_multipart()[:2]
        handler.send_multipart([version, request, b"200", b"OK", b"admin", b""])


def echo(sock):
    while True:
        sock.send_multipart(sock.recv_multipart())


def serve(sock, kind):
    """Use the attacked socket as an application does."""
    if kind in ("PUB", "XPUB"):
        while True:
            sock.send(b"news")
            time.sleep(0.01)
    sock.rcvtimeo = sock.sndtimeo = 200
    while True:
        try:
            if kind == "REQ":
                sock.send(b"question")
            sock.recv_multipart()
            if kind == "REP":
                sock.send(b"answer")
        except zmq.Again:
            pass


def drain(sock):
    """Close the socket when a peer has taken the first of many messages."""
    sock.send(bytes(65536))
    for _ in range(999):
        try:
            sock.send(bytes(65536), zmq.NOBLOCK)
        except zmq.Again:
            break
    sock.close(-1)


def guarded(function, *args):
    """Run ``function``; say what it raises, since no application expects it."""
    try:
        function(*args)
    except Exception as error:
        UNEXPECTED.append(repr(error))


def held():
    gc.collect()
    greenlets = sum(isinstance(each, greenlet) and not each.dead for each in gc.get_objects())
    return {"descriptors": len(os.listdir("/proc/self/fd")), "greenlets": greenlets,
            "unexpected": UNEXPECTED}


def main():
    logging.getLogger("zlinkcompat").addHandler(Unexpected(logging.ERROR))
    logging.getLogger("zlinkcompat").setLevel(logging.ERROR)
    context = zmq.Context()
    asked = context.socket(zmq.ROUTER)
    asked.bind("tcp://127.0.0.1:*")
    kind = SPECIFICATION["type"]
    target = context.socket(getattr(zmq, kind))
    work = [(echo, asked)]
    if SPECIFICATION["mechanism"] == "PLAIN":
        target.plain_server = 1
        work.append((admit_all, context))
    elif SPECIFICATION["mechanism"] == "CURVE":
        target.curve_server = 1
        target.curve_secretkey = SECRET
    for name, value in SPECIFICATION["options"].items():
        setattr(target, name, value)
    if SPECIFICATION["endpoint"].startswith(("tls:", "wss:")):
        import certificates

        certificates.use(target)
    target.bind(SPECIFICATION["endpoint"])
    print(json.dumps({"echo": asked.last_endpoint.decode(), "key": PUBLIC.decode(),
                      "target": target.last_endpoint.decode()}), flush=True)
    work.append((drain, target) if SPECIFICATION["drains"] else (serve, target, kind))
    for function, *args in work:
        threading.Thread(target=guarded, args=(function, *args), daemon=True).start()
    # Not by sys.stdin, which would stop the hub.
    while select.select([0], [], []) and os.read(0, 100):
        print(json.dumps(held()), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()

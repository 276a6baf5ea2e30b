"""Run a server that peers attack: ``flooded_server.py TARGETS``, a JSON list of its sockets.

Each target has ``type``, ``endpoint``, ``options``, ``mechanism`` and ``drains`` (whether the
server closes the socket, with unsent messages, once a peer has received one). The program prints
JSON: ``echo``, the endpoint for the innocent peer; ``targets``, the endpoints of the attacked
sockets; and ``key``. For each line on stdin, the program prints the resources that its process
holds. It ends at the end of stdin.
"""

import json
import logging
import os
import select
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import zlinkcompat as zmq
from reliability.soak import held, in_use

PUBLIC = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
SECRET = b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
UNEXPECTED = []
#: An entry for each socket that was closed with unsent messages.
DRAINING = []


class Unexpected(logging.Handler):
    """Collect the errors that the engine logs with a traceback: it did not expect them."""

    def emit(self, record):
        if record.exc_info:
            UNEXPECTED.append(repr(record.exc_info[1]))


def admit_all(context):
    """Run a ZAP handler. Without a handler PLAIN refuses every client."""
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
    """Close the socket when a peer has received the first of many messages."""
    sock.send(bytes(65536))
    for _ in range(999):
        try:
            sock.send(bytes(65536), zmq.NOBLOCK)
        except zmq.Again:
            break
    sock.close(-1)
    DRAINING.append(True)


def guarded(function, *args):
    """Run ``function``. If it raises, record the exception as an unexpected one."""
    try:
        function(*args)
    except Exception as error:
        UNEXPECTED.append(repr(error))


def said():
    """Return the resources of this process, the unexpected errors, and how many sockets drain."""
    return {**held(), **in_use(), "unexpected": UNEXPECTED, "draining": len(DRAINING)}


def bind(context, told):
    sock = context.socket(getattr(zmq, told["type"]))
    if told["mechanism"] == "PLAIN":
        sock.plain_server = 1
    elif told["mechanism"] == "CURVE":
        sock.curve_server = 1
        sock.curve_secretkey = SECRET
    for name, value in told["options"].items():
        setattr(sock, name, value)
    if told["endpoint"].startswith(("tls:", "wss:")):
        import certificates

        certificates.use(sock)
    sock.bind(told["endpoint"])
    return sock


def start(function, *args):
    threading.Thread(target=guarded, args=(function, *args), daemon=True).start()


def main():
    logging.getLogger("zlinkcompat").addHandler(Unexpected(logging.ERROR))
    logging.getLogger("zlinkcompat").setLevel(logging.ERROR)
    context = zmq.Context()
    start(admit_all, context)
    asked = context.socket(zmq.ROUTER)
    asked.bind("tcp://127.0.0.1:*")
    targets = json.loads(sys.argv[1])
    sockets = [bind(context, told) for told in targets]
    print(
        json.dumps(
            {
                "echo": asked.last_endpoint.decode(),
                "key": PUBLIC.decode(),
                "targets": [sock.last_endpoint.decode() for sock in sockets],
            }
        ),
        flush=True,
    )
    start(echo, asked)
    for told, sock in zip(targets, sockets, strict=True):
        if told["drains"]:
            start(drain, sock)
        else:
            start(serve, sock, told["type"])
    # Do not read from sys.stdin, which would block the hub.
    while select.select([0], [], []) and os.read(0, 100):
        print(json.dumps(said()), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()

"""Make calls with a timeout on a flooded socket: ``flooded_calls.py TYPE CALL COUNT``.

The program prints the endpoint as JSON. For each line on stdin, it makes COUNT calls and prints as
JSON ``late_ms``, the longest time that a call took beyond its timeout, ``cpu_ms``, the most CPU
time that the thread used in a call, and ``errors``, the errors other than Again.
"""

import json
import os
import select
import sys
import time

import zlinkcompat as zmq

KIND, CALL, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])

TIMEOUT_MS = 200


def call(sock):
    if CALL == "recv":
        sock.recv_multipart()
    elif CALL == "poll":
        if not sock.poll(TIMEOUT_MS):
            raise zmq.Again
    else:
        sock.send(b"news")


def once(sock):
    """Return ``(ms beyond the timeout, ms of CPU, error)`` of one call."""
    error = None
    began, cpu = time.monotonic(), time.thread_time()
    try:
        call(sock)
    except zmq.Again:
        pass
    except Exception as raised:
        error = repr(raised)
    expected = 0 if CALL == "send" else TIMEOUT_MS
    took = (time.monotonic() - began) * 1000
    return took - expected, (time.thread_time() - cpu) * 1000, error


def main():
    sock = zmq.Context().socket(getattr(zmq, KIND))
    sock.rcvtimeo = sock.sndtimeo = TIMEOUT_MS
    if KIND == "SUB":
        sock.subscribe = b"wanted"
    elif KIND == "REQ":
        sock.req_relaxed = sock.req_correlate = 1
    sock.bind("tcp://127.0.0.1:*")
    print(json.dumps({"targets": [sock.last_endpoint.decode()], "key": ""}), flush=True)
    while select.select([0], [], [], 0.01)[0] == []:
        # On the thread engine a socket processes events of its peers only in its own calls.
        sock.poll(0)
    os.read(0, 100)
    if KIND == "REQ":
        sock.send(b"question")
    found = [once(sock) for _ in range(COUNT)]
    print(
        json.dumps(
            {
                "late_ms": round(max(each[0] for each in found), 1),
                "cpu_ms": round(max(each[1] for each in found), 1),
                "errors": [each[2] for each in found if each[2]],
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()

"""Log peers that break the protocol, and count further ones: ``log_summaries.py ENGINE WHAT``.

ENGINE is ``hub`` or ``thread``. With WHAT ``wait`` the program prints the first warning, and the
summary that follows although no other peer connects. With ``exit`` it ends while a summary is due
in a minute. With ``fork`` it prints the summaries of this process and of a forked child.
"""

import os
import sys

if sys.argv[1] == "hub":
    from gevent import monkey

    monkey.patch_all()
import logging
import socket
import threading

import zlinkcompat as zmq
from zlinkcompat._runtime import log_limiter, log_queue

PEERS = 4  # the first is logged, and a summary counts the other three
PATIENCE = 30  # seconds
what = sys.argv[2]
written = []
summarized = threading.Event()


class Collector(logging.Handler):
    def emit(self, record):
        written.append(record.getMessage())
        if "more in the last" in written[-1]:
            summarized.set()


if what != "exit":
    log_limiter.INTERVAL = 0.5
log = logging.getLogger("zlinkcompat.engine")
log.addHandler(Collector(logging.WARNING))
with zmq.Context() as context, context.socket(zmq.PULL) as pull:
    pull.bind("tcp://127.0.0.1:*")
    with pull.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL) as failures:
        host, port = pull.last_endpoint.decode().rpartition("/")[2].split(":")
        for _ in range(PEERS):
            with socket.create_connection((host, int(port))) as peer:
                peer.sendall(b"\xff" + bytes(8) + b"\x7f" + b"garbage" * 10)
                assert failures.poll(PATIENCE * 1000)
                failures.recv_multipart()
        pull.disable_monitor()
    child = os.fork() if what == "fork" else None
    if child == 0:
        # Wait for longer than the interval. No summary may come, so there is no event to wait for.
        summarized.wait(1.0)
        os._exit(len(written) > 1)
    if what != "exit":
        assert summarized.wait(PATIENCE)
    log_queue.flush()
for text in written:
    print(text)
if child is not None:
    print("child:", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

"""Peers that break the protocol are logged, and then counted: ``log_summaries.py ENGINE WHAT``.

ENGINE is ``hub`` or ``thread``. WHAT is ``wait``: print the first warning and the summary that
follows although no peer comes any more; ``exit``: end while a summary is due in a minute;
``fork``: print the summaries of this process and of a forked child.
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

PEERS = 4  # of which the log has one, and a summary of the others
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
        # Longer than the interval: nothing may come, so this cannot wait for an event.
        summarized.wait(1.0)
        os._exit(len(written) > 1)
    if what != "exit":
        assert summarized.wait(PATIENCE)
    log_queue.flush()
for text in written:
    print(text)
if child is not None:
    print("child:", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

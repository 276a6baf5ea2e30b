"""Bind the first endpoint, and thereby import gevent, in a thread that is not the main thread."""

import sys
import threading

import zlinkcompat as zmq


def bind():
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        socket.bind("tcp://127.0.0.1:*")


assert "gevent" not in sys.modules
worker = threading.Thread(target=bind)
worker.start()
worker.join()
import gevent  # noqa: E402
from gevent import subprocess  # noqa: E402

assert gevent.get_hub().main_hub
# This subprocess only works if gevent took the right thread as the main one: only the main thread's
# loop watches child processes.
print(subprocess.check_output(["echo", "watched"], text=True), end="")

"""With the argument "computes", sleep natively, so that the hub stands still; else only wait."""

import logging
import sys
import time

import gevent

import zlinkcompat as zmq
from zlinkcompat._runtime import log_queue


class Texts(logging.Handler):
    """Collects the warnings about loops that stand still."""

    texts = []

    def emit(self, record):
        if "stood still" in record.getMessage():
            self.texts.append(record.getMessage())


def compute_for_too_long():
    """Keep the hub from running until a warning about it was logged, or for 30 s."""
    end = time.monotonic() + 30
    while not Texts.texts and time.monotonic() < end:
        time.sleep(0.01)


logging.getLogger("zlinkcompat").addHandler(Texts())
with zmq.Context() as context, context.socket(zmq.PULL) as pull:
    pull.bind("tcp://127.0.0.1:*")
    if sys.argv[1] == "computes":
        gevent.sleep(0.05)
        compute_for_too_long()
    else:
        pull.poll(500)
    log_queue.flush()
    print(len(Texts.texts), *Texts.texts, sep="\n")

"""Fixtures that provide sockets on pipes with every kind of queue."""

import pytest
from bare_pipes import Bench

import zlinkcompat as zmq


@pytest.fixture(params=["plain", "sized", "crossing", "crossing-sized"])
def bench(request):
    """``bench(zmq.PULL, rcvhwm=1)`` returns a socket; each parameter is a kind of queue.

    "sized" queues count bytes, and "crossing" queues pass messages between threads.
    """
    return Bench(1 << 20 if "sized" in request.param else 0, "crossing" in request.param)


@pytest.fixture(
    params=[zmq.PULL, zmq.DEALER, zmq.PAIR, zmq.XSUB, zmq.ROUTER], ids=lambda kind: kind.name
)
def receiver(request):
    """Return a socket type that receives every message that its peers send."""
    return request.param

"""Sockets over bare pipes with every kind of queue."""

import pytest
from bare_pipes import Bench

import zlinkcompat as zmq


@pytest.fixture(params=["plain", "sized", "crossing", "crossing-sized"])
def bench(request):
    """bench(zmq.PULL, rcvhwm=1): a socket; between threads the pure build locks its queues."""
    return Bench(1 << 20 if "sized" in request.param else 0, "crossing" in request.param)


@pytest.fixture(
    params=[zmq.PULL, zmq.DEALER, zmq.PAIR, zmq.XSUB, zmq.ROUTER], ids=lambda kind: kind.name
)
def receiver(request):
    """A socket type that receives every message."""
    return request.param

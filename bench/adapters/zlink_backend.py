"""This project as pyzmq's backend: ``import zmq`` with ``PYZMQ_BACKEND`` set."""

from .zlink import Zlink


class Library(Zlink):
    name = "zlink-backend"
    order = 11
    module = "zmq"
    environment = {**Zlink.environment, "PYZMQ_BACKEND": "zlinkcompat.backend"}

"""nng through pynng: nanomsg's protocols, which are not compatible with ZeroMQ's."""

from .base import Adapter

SOCKETS = {"PUSH": "Push0", "PULL": "Pull0", "PAIR": "Pair0", "REQ": "Req0", "REP": "Rep0"}


class Library(Adapter):
    name = "pynng"
    order = 4
    module = "pynng"
    # Its PUB always drops messages if the queue of a SUB is full, so a rate cannot be measured.
    patterns = ("push-pull", "pair", "req-rep")

    def start(self, case):
        pass

    def stop(self):
        pass

    def socket(self, case, end):
        socket = getattr(self.zmq, SOCKETS[case.shape.types[end]])()
        if case.kind == "rate":
            setattr(socket, ("send_buffer_size", "recv_buffer_size")[end], case.high_water_mark)
        socket.recv_max_size = 0
        return socket

    def bind(self, socket, address):
        listener = socket.listen(address.replace(":*", ":0"))
        return listener.url

    def connect(self, socket, endpoint):
        socket.dial(endpoint, block=True)

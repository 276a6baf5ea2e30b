"""Messages between the processes of a round and the run, as lines of JSON over a socket."""

import json
from socket import MSG_DONTWAIT


class Channel:
    """The messages that the ends in this process have received, and a way to send.

    Parameters
    ----------
    control : socket.socket
        A connection to the run, which forwards each message to the other processes of the round.
    """

    def __init__(self, control):
        self.control = control
        self.received = {}
        self.partial = b""

    def send(self, **message):
        self.received.update(message)  # for the other ends in this process
        self.control.sendall(json.dumps(message).encode() + b"\n")

    def has_received(self, name):
        """Return whether a message with the key ``name`` has come. Does not wait.

        Raises
        ------
        EOFError
            The run has closed the connection.
        """
        if name in self.received:
            return True
        try:
            data = self.control.recv(65536, MSG_DONTWAIT)
        except BlockingIOError:
            return name in self.received  # another thread may just have received it
        if not data:
            raise EOFError("the run that started this process is gone")
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            self.received.update(json.loads(line))
        return name in self.received

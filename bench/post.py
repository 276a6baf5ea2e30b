"""Words between the ends of a round and the run: JSON lines over a socket."""

import json
from socket import MSG_DONTWAIT


class Post:
    """What the ends in this process have heard, and how they tell.

    Parameters
    ----------
    control : socket.socket
        To the run, which passes words on to other processes.
    """

    def __init__(self, control):
        self.control = control
        self.words = {}
        self.partial = b""

    def tell(self, **words):
        self.words.update(words)  # for the other ends in this process
        self.control.sendall(json.dumps(words).encode() + b"\n")

    def heard(self, word):
        """Whether ``word`` has come. Does not wait.

        Raises
        ------
        EOFError
            The run is gone.
        """
        if word in self.words:
            return True
        try:
            data = self.control.recv(65536, MSG_DONTWAIT)
        except BlockingIOError:
            return word in self.words  # another thread may just have heard it
        if not data:
            raise EOFError("the run that started this is gone")
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            self.words.update(json.loads(line))
        return word in self.words

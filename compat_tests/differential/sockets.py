"""Provide a context and sockets of one library for a scenario."""

import contextlib


class Bench:
    """Creates sockets of one library that do not linger and wait at most `TIMEOUT_MS`.

    Parameters
    ----------
    zmq : module
        The library, which scenarios use under this name.
    folder : str
        An empty folder with a short name, for ipc.
    """

    TIMEOUT_MS = 30_000

    def __init__(self, zmq, folder):
        self.zmq = zmq
        self.folder = folder
        self.context = zmq.Context()
        self._contexts = [self.context]

    def socket(self, kind, bind=None, connect=None, **options):
        """Return a socket of the type named `kind`; `options` are set as attributes before bind."""
        sock = self.context.socket(getattr(self.zmq, kind))
        sock.linger = 0
        sock.sndtimeo = sock.rcvtimeo = self.TIMEOUT_MS
        for name, value in options.items():
            setattr(sock, name, value)
        if bind:
            sock.bind(bind)
        if connect:
            sock.connect(connect)
        return sock

    def pair(self, binder, connecter, transport="inproc"):
        """Return two connected sockets, in the order given."""
        address = {"inproc": "inproc://pair", "tcp": "tcp://127.0.0.1:*"}[transport]
        first = self.socket(binder, bind=address)
        return first, self.socket(connecter, connect=first.last_endpoint.decode())

    def new_context(self):
        """Return another context; ``close`` terminates it as well."""
        self._contexts.append(self.zmq.Context())
        return self._contexts[-1]

    def close(self):
        """Terminate all contexts, whatever state the scenario has left them in."""
        for context in self._contexts:
            with contextlib.suppress(Exception):
                context.destroy(linger=0)

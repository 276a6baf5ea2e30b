"""Print what each call of the API does while another thread is in ``Context.term()``.

Each call is made twice: first on a socket that has made no other call since ``term()`` began, and
again after a ``poll()``, in which the socket learns of the termination. The program prints one line
per call, which must be the same on libzmq. Its argument is the socket type. The test's prelude
defines ``zmq``, ``sys`` and ``say``.
"""

import threading

kind = getattr(zmq, sys.argv[1])  # noqa: F821

ENDPOINT = "inproc://somewhere"

CALLS = {
    "set LINGER": lambda sock: sock.setsockopt(zmq.LINGER, 1),  # noqa: F821
    "set RCVTIMEO": lambda sock: sock.setsockopt(zmq.RCVTIMEO, 1),  # noqa: F821
    "set bad": lambda sock: sock.setsockopt(zmq.LINGER, -2),  # noqa: F821
    "set SNDHWM": lambda sock: sock.setsockopt(zmq.SNDHWM, 5),  # noqa: F821
    "attribute": lambda sock: setattr(sock, "sndtimeo", 3),
    "get LINGER": lambda sock: sock.getsockopt(zmq.LINGER),  # noqa: F821
    "get TYPE": lambda sock: sock.getsockopt(zmq.TYPE),  # noqa: F821
    "get RCVMORE": lambda sock: sock.getsockopt(zmq.RCVMORE),  # noqa: F821
    "get LAST_ENDPOINT": lambda sock: sock.getsockopt(zmq.LAST_ENDPOINT)[:6],  # noqa: F821
    "get FD": lambda sock: sock.getsockopt(zmq.FD) >= 0,  # noqa: F821
    "fileno": lambda sock: sock.fileno() >= 0,
    "get EVENTS": lambda sock: sock.getsockopt(zmq.EVENTS),  # noqa: F821
    "hwm": lambda sock: sock.set_hwm(7),
    "subscribe": lambda sock: sock.setsockopt(zmq.SUBSCRIBE, b"x"),  # noqa: F821
    "bind": lambda sock: sock.bind("tcp://127.0.0.1:*"),
    "connect": lambda sock: sock.connect("tcp://127.0.0.1:9"),
    "unbind": lambda sock: sock.unbind(sock.last_endpoint),
    "disconnect": lambda sock: sock.disconnect(ENDPOINT),
    "monitor": lambda sock: sock.monitor("inproc://events"),
    "stop monitor": lambda sock: sock.monitor(None),
    "disable_monitor": lambda sock: sock.disable_monitor(),
    "send": lambda sock: sock.send(b"x", zmq.NOBLOCK),  # noqa: F821
    "send_multipart": lambda sock: sock.send_multipart([b"x", b"y"], zmq.NOBLOCK),  # noqa: F821
    "recv": lambda sock: sock.recv(zmq.NOBLOCK),  # noqa: F821
    "recv waits": lambda sock: sock.recv(),
    "poll": lambda sock: sock.poll(0),
    "poll waits": lambda sock: sock.poll(),
    "closed": lambda sock: sock.closed,
    "shadow": lambda sock: type(zmq.Socket.shadow(sock.underlying)).__name__,  # noqa: F821
    "repr": lambda sock: "closed" in repr(sock),
    "socket": lambda sock: sock.context.socket(kind),
    "context set": lambda sock: sock.context.set(zmq.MAX_SOCKETS, 100),  # noqa: F821
    "context get": lambda sock: sock.context.get(zmq.MAX_SOCKETS),  # noqa: F821
    "context closed": lambda sock: sock.context.closed,
    "close": lambda sock: sock.close(),
    "close linger": lambda sock: sock.close(linger=0),
}


def outcome(call, *args):
    try:
        return repr(call(*args))
    except zmq.ZMQError as error:  # noqa: F821
        return f"errno {int(error.errno)}"


def terminating(name):
    """Return a socket of a new context, and a thread that is in ``term()`` of this context."""
    context = zmq.Context()  # noqa: F821
    sock = context.socket(kind)
    sock.linger = 0
    sock.bind("tcp://127.0.0.1:*")
    thread = threading.Thread(target=context.term, daemon=True)
    thread.start()
    while True:
        try:
            context.socket(zmq.PAIR).close()  # noqa: F821
        except zmq.ZMQError as error:  # noqa: F821
            # Ignore EMFILE, which libzmq raises until it has reaped the sockets of this loop.
            if error.errno == zmq.ETERM:  # noqa: F821
                break
    return sock, thread


for name, call in CALLS.items():
    sock, thread = terminating(name)
    first = outcome(call, sock)
    outcome(sock.poll, 0)
    second = outcome(call, sock)
    sock.close()
    thread.join(10)
    say(name, "|", first, "|", second, "|", "hangs" if thread.is_alive() else "ends")  # noqa: F821

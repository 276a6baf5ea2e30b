"""How the sockets of a test meet: endpoints of each transport, and ways to know that they met."""

import contextlib
import os
import socket

import certificates
import gevent
import pytest
from guard import GUARD

import zlinkcompat as zmq

#: What every test runs over. A new transport is added here, before inproc, and to
#: ``Endpoints``.
TRANSPORTS = ("tcp", "ipc", "tls", "ws", "wss", "inproc")

#: Those whose endpoints are a host and a port.
BY_PORT = ("tcp", "tls", "ws", "wss")

#: For tests of what has connections, or of what has none.
over_a_network = pytest.mark.parametrize("transport", TRANSPORTS[:-1], indirect=True)
inproc_only = pytest.mark.parametrize("transport", TRANSPORTS[-1:], indirect=True)


class Endpoints:
    """Endpoints of one transport, each of them new."""

    def __init__(self, transport, directory):
        self.transport = transport
        self.directory = directory
        self.count = 0
        self.reserved = []

    def any(self):
        """One to bind; LAST_ENDPOINT tells where that was."""
        if self.transport in BY_PORT:
            return f"{self.transport}://127.0.0.1:*"
        self.count += 1
        if self.transport == "ipc":
            return f"ipc://{self.directory}/{self.count}"
        return f"inproc://{self.count}"

    def fixed(self):
        """One that nobody has bound, to connect to now and to bind later, or again."""
        if self.transport not in BY_PORT:
            return self.any()
        # Bound but not listening: the port stays ours, peers are refused, and a listener that
        # sets SO_REUSEADDR, as all do, can have it.
        holder = socket.socket()
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        self.reserved.append(holder)
        path = "/" if self.transport.startswith("ws") else ""
        return f"{self.transport}://127.0.0.1:{holder.getsockname()[1]}{path}"

    def close(self):
        for holder in self.reserved:
            holder.close()


def new_socket(context, socket_type, **options):
    """A socket that gives up after GUARD seconds, and dials again soon."""
    sock = context.socket(socket_type)
    sock.rcvtimeo = sock.sndtimeo = GUARD * 1000
    sock.reconnect_ivl = 1
    certificates.use(sock)  # for tls and wss
    for name, value in options.items():
        setattr(sock, name, value)
    return sock


@contextlib.contextmanager
def watching(sock, event):
    """The block ends when this socket's monitor has told of ``event``."""
    monitor = sock.get_monitor_socket(event)
    try:
        yield
        assert monitor.poll(GUARD * 1000), f"no {event!r}"
    finally:
        sock.disable_monitor()
        monitor.close()


@contextlib.contextmanager
def handshakes(*sockets):
    """The block ends when each of these sockets has one more peer. Not for inproc, where connect
    has done it all."""
    with contextlib.ExitStack() as stack:
        for sock in sockets:
            stack.enter_context(watching(sock, zmq.EVENT_HANDSHAKE_SUCCEEDED))
        yield


def connect(connecter, binder):
    """Connect to where ``binder`` was bound last, and return when both know of each other."""
    endpoint = binder.last_endpoint
    if endpoint.startswith(b"inproc:"):
        connecter.connect(endpoint)
        # With I/O threads a socket learns of a new peer in its own calls only, as in libzmq.
        binder.events
        return
    with handshakes(binder, connecter):
        connecter.connect(endpoint)


MARK = b"\xffmark"


def until_subscribed(publisher, *subscribers):
    """Return when the publisher knows all that these subscribed to.

    They have nothing to receive before."""
    for subscriber in subscribers:
        if subscriber.last_endpoint.startswith(b"inproc:"):
            continue  # known at once
        subscriber.subscribe(MARK)
        # A connection keeps order: what it subscribed to before is known, too.
        count = 0
        while not subscriber.poll(1):
            count += 1
            publisher.send(MARK + b"%d" % count)
        while subscriber.recv() != MARK + b"%d" % count:
            pass
        subscriber.unsubscribe(MARK)


def hear(xpub, *wanted):
    """Receive from an XPUB until it told all ``wanted``; nothing is left then that was before."""
    heard = set()
    while not heard.issuperset(wanted):
        heard.add(xpub.recv())


@contextlib.contextmanager
def raises(errno, kind=zmq.ZMQError):
    """What the block raises is exactly this class, with this errno."""
    with pytest.raises(zmq.ZMQError) as caught:
        yield
    assert (type(caught.value), caught.value.errno) == (kind, errno)


def raises_again():
    return raises(zmq.EAGAIN, zmq.Again)


def raises_terminated():
    return raises(zmq.ETERM, zmq.ContextTerminated)


def would_wait(call, *args):
    """Tell whether a send or recv with NOBLOCK raises Again."""
    try:
        call(*args, flags=zmq.NOBLOCK)
    except zmq.Again:
        return True
    return False


#: Body of messages that are to fill what is narrow.
LARGE = bytes(256 * 1024)


def narrow(sndhwm, rcvhwm):
    """Options of both ends, so that LARGE messages soon find no room, until somebody reads.

    Left to itself, the kernel would enlarge its buffers any time."""
    return {"sndhwm": sndhwm, "rcvhwm": rcvhwm, "sndbuf": 32768, "rcvbuf": 32768}


#: How often in turn, some milliseconds each, a socket has to refuse to be full. An I/O thread that
#: gets no CPU for a while may have had no turn to make room (8 were too few, once in 11,000 tests).
HUB_MISSES, THREAD_MISSES = 8, 25


def fill(sock, make_message, limit=10000):
    """Send LARGE messages until there is no room; returns what was accepted.

    ``make_message(number)`` gives a list of frames."""
    timeout = sock.sndtimeo
    sock.sndtimeo = 5
    accepted = []
    misses = 0
    enough = HUB_MISSES if os.environ.get("ZLINK_ENGINE") == "hub" else THREAD_MISSES
    while misses < enough:
        message = make_message(len(accepted))
        try:
            sock.send_multipart(message)
        except zmq.Again:
            # On a busy machine the time may be over before the peer had its turn to read.
            misses += 1
            gevent.sleep(0.001)
            continue
        misses = 0
        accepted.append(message)
        assert len(accepted) < limit, f"{sock} took {limit} messages"
    sock.sndtimeo = timeout
    return accepted


def waiting(call, *args):
    """A greenlet that waits in ``call``; what it raises is its value."""

    def run():
        try:
            return call(*args)
        except (zmq.ZMQError, gevent.Timeout) as error:
            return error

    greenlet = gevent.spawn(run)
    # It runs first of all, and waits or is over.
    gevent.sleep(0)
    gevent.idle()
    assert not greenlet.ready(), greenlet.value
    return greenlet


def values(greenlets):
    """What these greenlets return; all have to end, and none with an error."""
    results = [greenlet.get(timeout=GUARD) for greenlet in greenlets]
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def error_of(greenlet):
    """Class and errno of the error that this greenlet ends with."""
    error = greenlet.get(timeout=GUARD)
    return type(error), getattr(error, "errno", None)

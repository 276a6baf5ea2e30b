"""Helpers of the tests: endpoints of each transport, and functions that connect and wait."""

import contextlib
import os
import socket

import certificates
import gevent
import pytest
from guard import GUARD

import zlinkcompat as zmq

#: Every test runs over these transports. A new transport is added here, before inproc, and to
#: ``Endpoints``.
TRANSPORTS = ("tcp", "ipc", "tls", "ws", "wss", "inproc")

#: Transports whose endpoints are a host and a port.
BY_PORT = ("tcp", "tls", "ws", "wss")

#: Transports with connections, and transports without.
over_a_network = pytest.mark.parametrize("transport", TRANSPORTS[:-1], indirect=True)
inproc_only = pytest.mark.parametrize("transport", TRANSPORTS[-1:], indirect=True)


class Endpoints:
    """Creates endpoints of one transport that no socket has used before."""

    def __init__(self, transport, directory):
        self.transport = transport
        self.directory = directory
        self.count = 0
        self.reserved = []

    def any(self):
        """Return an endpoint to bind; LAST_ENDPOINT is then the address."""
        if self.transport in BY_PORT:
            return f"{self.transport}://127.0.0.1:*"
        self.count += 1
        if self.transport == "ipc":
            return f"ipc://{self.directory}/{self.count}"
        return f"inproc://{self.count}"

    def fixed(self):
        """Return an endpoint with a fixed address, so that a test may connect before it binds."""
        if self.transport not in BY_PORT:
            return self.any()
        # Bind the port without listening, so that other programs do not get it and connections are
        # refused. Our listener can bind the port as well, since the listener sets SO_REUSEADDR.
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
    """Create a socket whose calls time out after GUARD seconds, and which reconnects after 1 ms."""
    sock = context.socket(socket_type)
    sock.rcvtimeo = sock.sndtimeo = GUARD * 1000
    sock.reconnect_ivl = 1
    certificates.use(sock)  # for tls and wss
    for name, value in options.items():
        setattr(sock, name, value)
    return sock


@contextlib.contextmanager
def watching(sock, event):
    """At the end of the ``with`` block, wait until the socket's monitor has reported ``event``."""
    monitor = sock.get_monitor_socket(event)
    try:
        yield
        assert monitor.poll(GUARD * 1000), f"no {event!r}"
    finally:
        sock.disable_monitor()
        monitor.close()


@contextlib.contextmanager
def handshakes(*sockets):
    """At the end of the ``with`` block, wait until each of these sockets has one more peer.

    This does not work for inproc, which has no handshakes.
    """
    with contextlib.ExitStack() as stack:
        for sock in sockets:
            stack.enter_context(watching(sock, zmq.EVENT_HANDSHAKE_SUCCEEDED))
        yield


def connect(connecter, binder):
    """Connect to the last endpoint of ``binder``; return when both sockets have their peer."""
    endpoint = binder.last_endpoint
    if endpoint.startswith(b"inproc:"):
        connecter.connect(endpoint)
        # On the thread engine a socket learns of a new peer only in its own calls, as in libzmq.
        binder.events
        return
    with handshakes(binder, connecter):
        connecter.connect(endpoint)


MARK = b"\xffmark"


def until_subscribed(publisher, *subscribers):
    """Wait until the publisher has all subscriptions of these sockets.

    The caller must have received all messages of the sockets before.
    """
    for subscriber in subscribers:
        if subscriber.last_endpoint.startswith(b"inproc:"):
            continue  # over inproc the publisher has subscriptions at once
        subscriber.subscribe(MARK)
        # A connection preserves the order. So once a message with MARK arrives, the publisher has
        # the earlier subscriptions as well.
        count = 0
        while not subscriber.poll(1):
            count += 1
            publisher.send(MARK + b"%d" % count)
        while subscriber.recv() != MARK + b"%d" % count:
            pass
        subscriber.unsubscribe(MARK)


def hear(xpub, *wanted):
    """Receive from an XPUB until it has reported all subscriptions in ``wanted``."""
    heard = set()
    while not heard.issuperset(wanted):
        heard.add(xpub.recv())


@contextlib.contextmanager
def raises(errno, kind=zmq.ZMQError):
    """Check that the ``with`` block raises exactly the class ``kind``, with this errno."""
    with pytest.raises(zmq.ZMQError) as caught:
        yield
    assert (type(caught.value), caught.value.errno) == (kind, errno)


def raises_again():
    return raises(zmq.EAGAIN, zmq.Again)


def raises_terminated():
    return raises(zmq.ETERM, zmq.ContextTerminated)


def would_wait(call, *args):
    """Return whether a send or recv with NOBLOCK raises Again."""
    try:
        call(*args, flags=zmq.NOBLOCK)
    except zmq.Again:
        return True
    return False


#: Body of messages that fill small buffers.
LARGE = bytes(256 * 1024)


def narrow(sndhwm, rcvhwm):
    """Return options for both ends with which few LARGE messages fill the connection.

    They fix the sizes of the kernel's buffers, which the kernel could otherwise enlarge at any
    time.
    """
    return {"sndhwm": sndhwm, "rcvhwm": rcvhwm, "sndbuf": 32768, "rcvbuf": 32768}


#: A socket counts as full once so many sends in a row have timed out, after a few ms each. The
#: thread engine has a larger number, since an I/O thread that gets no CPU for a while makes room
#: later. (With 8, one in 11,000 tests failed there.)
HUB_MISSES, THREAD_MISSES = 8, 25


def fill(sock, make_message, limit=10000):
    """Send messages until the socket is full; return the messages that it accepted.

    ``make_message(number)`` returns a message as a list of frames.
    """
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
            # On a busy machine a send may time out before the peer has got the CPU to read.
            misses += 1
            gevent.sleep(0.001)
            continue
        misses = 0
        accepted.append(message)
        assert len(accepted) < limit, f"{sock} took {limit} messages"
    sock.sndtimeo = timeout
    return accepted


def waiting(call, *args):
    """Return a greenlet that waits in ``call``; its value will be the result or the exception."""

    def run():
        try:
            return call(*args)
        except (zmq.ZMQError, gevent.Timeout) as error:
            return error

    greenlet = gevent.spawn(run)
    # Let the greenlet run until it waits; it must not have ended by then.
    gevent.sleep(0)
    gevent.idle()
    assert not greenlet.ready(), greenlet.value
    return greenlet


def values(greenlets):
    """Return the results of these greenlets; raise the error of a greenlet that failed."""
    results = [greenlet.get(timeout=GUARD) for greenlet in greenlets]
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def error_of(greenlet):
    """Return the class and errno of the error with which this greenlet ends."""
    error = greenlet.get(timeout=GUARD)
    return type(error), getattr(error, "errno", None)


def name(value):
    """Return the name of a socket type, for the id of a test."""
    return value.name

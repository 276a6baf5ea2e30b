"""Monitors of our sockets and monitors of libzmq's sockets report the same events."""

import gevent
import pytest
import zmq
from guard import GUARD
from rawpeer import RawListener, RawPeer, command, frame, greeting, message
from watching import E, Monitor

import zlinkcompat

#: Milliseconds that we wait for events that must not come.
SETTLED = 60


class Stage:
    """A socket of one library, its peers, and the events that its monitor reports."""

    def __init__(self, library, place):
        self.context = library.Context()
        self.place = place
        self.told = []
        self.opened = []
        self.names = set()
        self.sock = self.events = None

    def socket(self, socket_type, **options):
        self.sock = self.context.socket(socket_type)
        self.sock.linger = 0
        self.sock.reconnect_ivl = 1
        for name, value in options.items():
            setattr(self.sock, name, value)
        self.events = Monitor(self.sock)
        return self.sock

    def bind(self, socket_type, **options):
        self.socket(socket_type, **options).bind(self.place)
        self.names.add(self.sock.last_endpoint.decode())
        return self.sock.last_endpoint.decode()

    def listener(self, **options):
        self.opened.append(RawListener(self.place.replace("*", "0"), **options))
        self.names.add(self.opened[-1].endpoint)
        return self.opened[-1]

    def raw(self):
        self.opened.append(RawPeer.connect(self.sock.last_endpoint))
        return self.opened[-1]

    def accept(self, listener):
        self.opened.append(listener.accept())
        return self.opened[-1]

    def until(self, last):
        while not self.told or self.told[-1][0] != last.name:
            self.note()
        return self.told[-1]

    def note(self):
        event, value, endpoint = self.events.next()
        if event in (E.LISTENING, E.ACCEPTED, E.CONNECTED, E.DISCONNECTED, E.CLOSED,
                     E.CONNECT_RETRIED):  # fmt: skip
            # The value is a descriptor, or an interval with jitter: both differ between runs.
            value = value > 0
        # Ports and paths differ between the libraries. We only compare whether the endpoint is
        # one of the socket's.
        told_endpoint = "the endpoint" if endpoint in self.names else endpoint
        self.told.append((event.name, value, told_endpoint))

    def is_let_go(self, peer):
        """Wait until our side closes this peer's connection."""
        reading = gevent.spawn(peer.read_to_end)
        while not reading.ready():
            self.sock.poll(0)  # a libzmq socket does some of its work only inside its calls
            reading.join(0.002)

    def finish(self, silent):
        """Return all events, including those that arrive late."""
        if silent:
            gevent.sleep(SETTLED / 1000)
            while self.events.poll(0):
                self.note()
        for one in self.opened:
            one.close()
        self.events.pair.close(0)
        with gevent.Timeout(GUARD):
            self.context.destroy(0)
        return self.told


# -- scenarios: each returns once the monitor has reported the events that we compare -------


def bind_and_unbind(stage):
    endpoint = stage.bind(zmq.PULL)
    stage.until(E.LISTENING)
    stage.sock.unbind(endpoint)
    stage.until(E.CLOSED)


def bind_and_close(stage):
    stage.bind(zmq.PULL)
    stage.until(E.LISTENING)
    stage.sock.close()
    stage.until(E.MONITOR_STOPPED)


def stop_monitoring(stage):
    stage.bind(zmq.PULL)
    stage.until(E.LISTENING)
    stage.sock.monitor(None, 0)
    stage.until(E.MONITOR_STOPPED)


def accept_peer_that_leaves(stage):
    stage.bind(zmq.PULL)
    peer = stage.raw()
    peer.handshake(b"PUSH")
    stage.until(E.HANDSHAKE_SUCCEEDED)
    peer.close()
    stage.until(E.DISCONNECTED)


def accept_peer_and_close(stage):
    stage.bind(zmq.PULL)
    peer = stage.raw()
    peer.handshake(b"PUSH")
    stage.until(E.HANDSHAKE_SUCCEEDED)
    stage.sock.close()
    stage.until(E.MONITOR_STOPPED)


def accept_peer_and_unbind(stage):
    endpoint = stage.bind(zmq.PULL)
    peer = stage.raw()
    peer.handshake(b"PUSH")
    stage.until(E.HANDSHAKE_SUCCEEDED)
    stage.sock.unbind(endpoint)
    stage.is_let_go(peer)
    stage.until(E.CLOSED)


def accept_peer_that_leaves_at_once(stage):
    stage.bind(zmq.PULL)
    peer = stage.raw()
    peer.read(10)
    peer.close()
    stage.until(E.DISCONNECTED)


def accept_peer_of_another_mechanism(stage):
    stage.bind(zmq.PULL)
    stage.raw().send(greeting(mechanism=b"PLAIN"))
    stage.until(E.DISCONNECTED)


def accept_message_before_ready(stage):
    stage.bind(zmq.PULL)
    stage.raw().send(greeting(), message(b"too early"))
    stage.until(E.DISCONNECTED)


def accept_error_cut_off(stage):
    stage.bind(zmq.PULL)
    stage.raw().send(greeting(), command(b"ERROR", b"\x09no!"))
    stage.until(E.DISCONNECTED)


def accept_frame_over_maxmsgsize(stage):
    stage.bind(zmq.PULL, maxmsgsize=100)
    peer = stage.raw()
    peer.handshake(b"PUSH")
    peer.send(frame(bytes(101)))
    stage.until(E.DISCONNECTED)


def accept_dead_peer(stage):
    stage.bind(zmq.PULL, heartbeat_ivl=20, heartbeat_timeout=20)
    stage.raw().handshake(b"PUSH")
    stage.until(E.DISCONNECTED)


def connect_and_disconnect(stage):
    listener = stage.listener()
    stage.socket(zmq.PUSH).connect(listener.endpoint)
    peer = stage.accept(listener)
    peer.handshake(b"PULL")
    stage.until(E.HANDSHAKE_SUCCEEDED)
    stage.sock.disconnect(listener.endpoint)
    stage.is_let_go(peer)


def connect_and_close(stage):
    listener = stage.listener()
    stage.socket(zmq.PUSH).connect(listener.endpoint)
    stage.accept(listener).handshake(b"PULL")
    stage.until(E.HANDSHAKE_SUCCEEDED)
    stage.sock.close()
    stage.until(E.MONITOR_STOPPED)


def connect_is_refused_for_ever(stage):
    stage.socket(zmq.PUSH).connect(stage.listener(listens=False).endpoint)
    for _ in range(2):
        stage.until(E.CONNECT_RETRIED)
        stage.until(E.CLOSED)


def connect_is_refused_once(stage):
    sock = stage.socket(zmq.PUSH, reconnect_stop=zmq.RECONNECT_STOP_CONN_REFUSED)
    sock.connect(stage.listener(listens=False).endpoint)
    stage.until(E.CLOSED)


def connect_after_a_refusal(stage):
    listener = stage.listener(listens=False)
    stage.socket(zmq.PUSH, reconnect_ivl=50).connect(listener.endpoint)
    stage.until(E.CONNECT_RETRIED)
    listener.listen()
    stage.accept(listener).handshake(b"PULL")
    stage.until(E.HANDSHAKE_SUCCEEDED)


def connect_to_peer_that_leaves(stage):
    listener = stage.listener()
    stage.socket(zmq.PUSH).connect(listener.endpoint)
    peer = stage.accept(listener)
    peer.handshake(b"PULL")
    peer.close()
    stage.until(E.DISCONNECTED)
    stage.accept(listener).handshake(b"PULL")
    stage.until(E.HANDSHAKE_SUCCEEDED)


def connect_to_peer_that_leaves_for_good(stage):
    listener = stage.listener()
    stage.socket(zmq.PUSH, reconnect_ivl=-1).connect(listener.endpoint)
    peer = stage.accept(listener)
    peer.handshake(b"PULL")
    peer.close()
    stage.until(E.DISCONNECTED)


def connect_to_silent_server(stage):
    listener = stage.listener()
    stage.socket(
        zmq.PUSH, handshake_ivl=20, reconnect_stop=zmq.RECONNECT_STOP_HANDSHAKE_FAILED
    ).connect(listener.endpoint)
    stage.accept(listener).read_to_end()
    stage.until(E.DISCONNECTED)
    # libzmq reports a random errno for a timeout, so compare no values.
    stage.told = [(name, endpoint) for name, _, endpoint in stage.told]


ANYWHERE = [
    bind_and_unbind, bind_and_close, stop_monitoring, accept_peer_that_leaves,
    accept_peer_and_close, accept_peer_and_unbind, accept_peer_that_leaves_at_once,
    accept_peer_of_another_mechanism, accept_message_before_ready, accept_error_cut_off,
    accept_frame_over_maxmsgsize, accept_dead_peer, connect_and_disconnect, connect_and_close,
    connect_to_peer_that_leaves, connect_to_peer_that_leaves_for_good,
    connect_to_silent_server,
]  # fmt: skip
TCP_ONLY = [connect_is_refused_for_ever, connect_is_refused_once, connect_after_a_refusal]
ENDLESS = [connect_is_refused_for_ever]


@pytest.mark.parametrize("happens, transport", [
    *((one, "tcp") for one in ANYWHERE + TCP_ONLY), *((one, "ipc") for one in ANYWHERE),
], ids=lambda value: getattr(value, "__name__", value))  # fmt: skip
def test_monitors_report_the_same_events(happens, transport, tmp_path):
    told = {}
    for library in (zmq, zlinkcompat):
        ipc = f"ipc://{tmp_path}/{library.__name__}"
        place = ipc if transport == "ipc" else "tcp://127.0.0.1:*"
        stage = Stage(library, place)
        try:
            happens(stage)
        finally:
            told[library] = stage.finish(silent=happens not in ENDLESS)
    assert told[zlinkcompat] == told[zmq]


def test_failed_bind_is_reported(make, monitor, raw_listener):
    """A failed bind reports BIND_FAILED. libzmq also reports CLOSED, without an endpoint."""
    taken = raw_listener().endpoint
    sock = make(zmq.PULL)
    events = monitor(sock)
    with pytest.raises(zmq.ZMQError):
        sock.bind(taken)
    assert events.next() == (E.BIND_FAILED, zmq.EADDRINUSE, taken)


def test_only_requested_events_are_reported(bound, monitor, raw):
    sock = bound(zmq.PULL)
    events = monitor(sock, E.ACCEPTED | E.DISCONNECTED)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    peer.close()
    assert events.until(E.DISCONNECTED) == ["ACCEPTED", "DISCONNECTED"]


def test_unread_monitor_does_not_block_its_socket(bound, monitor, raw):
    sock = bound(zmq.PULL)
    events = monitor(sock)
    for _ in range(600):  # these cause more events than both high-water marks together allow
        peer = raw(sock.last_endpoint)
        peer.read(10)
        peer.reset()
    good = raw(sock.last_endpoint)
    good.handshake(b"PUSH")
    good.send(message(b"alive"))
    assert sock.recv() == b"alive"
    assert events.next()[0] == E.ACCEPTED


def test_reference_is_real_libzmq():
    assert "zlinkcompat" not in zmq.backend.Socket.__module__

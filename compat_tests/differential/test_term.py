"""Calls raise ETERM if their context is terminated while its sockets are open.

`term` waits for the sockets, so it runs in the background: in a native thread for libzmq, and in a
greenlet for our library, which runs on gevent's hub.
"""

import threading

import pytest

from compat_tests.differential.outcome import outcome
from compat_tests.libraries import OURS, REFERENCE, load

LIMIT = 30  # seconds


def in_background(name, call):
    """Start `call` in the background; return a function that waits for it, at most `LIMIT` s."""
    if name == REFERENCE:
        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        return lambda: thread.join(LIMIT) or thread.is_alive()
    import gevent

    greenlet = gevent.spawn(call)
    return lambda: greenlet.join(LIMIT) or not greenlet.dead


@pytest.mark.parametrize("waiting_in", ["recv", "poll", "send"])
def test_term_ends_waiting_calls(waiting_in):
    def scenario(name):
        zmq = load(name)
        context = zmq.Context()
        sock = context.socket(zmq.DEALER)
        sock.rcvtimeo = sock.sndtimeo = LIMIT * 1000
        sock.linger = 0
        still_running = in_background(name, context.term)
        call = {
            "recv": sock.recv,
            "poll": lambda: sock.poll(LIMIT * 1000),
            "send": lambda: sock.send(b""),
        }[waiting_in]
        first = outcome(call)
        after = [
            outcome(call),
            outcome(sock.bind, "inproc://x"),
            outcome(sock.connect, "tcp://[::1]:1"),
            outcome(sock.get, zmq.TYPE),
            outcome(sock.set, zmq.LINGER, 0),
            outcome(lambda: sock.events),
        ]
        # pyzmq raises a plain ZMQError here, and we raise a subclass of it.
        with pytest.raises(zmq.ZMQError) as caught:
            context.socket(zmq.REQ)
        assert caught.value.errno == zmq.ETERM
        sock.close()
        return first, after, still_running()

    reference, ours = scenario(REFERENCE), scenario(OURS)
    assert ours == reference
    assert reference[0] == ("ContextTerminated", load(REFERENCE).ETERM)
    assert reference[2] is False

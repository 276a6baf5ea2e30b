"""Calls that the state or the type of a socket does not allow raise the same errors."""

import errno

import pytest

from compat_tests.differential.kinds import CANNOT_RECEIVE, CANNOT_SEND, KINDS
from compat_tests.differential.outcome import errors, outcome

CALLS = {
    "send": lambda s, z: s.send(b"x", z.NOBLOCK),
    "send_multipart": lambda s, z: s.send_multipart([b"x", b"y"], z.NOBLOCK),
    "recv": lambda s, z: s.recv(z.NOBLOCK),
    "recv_multipart": lambda s, z: s.recv_multipart(z.NOBLOCK),
    "bind": lambda s, z: s.bind("inproc://late"),
    "connect": lambda s, z: s.connect("inproc://late"),
    "unbind": lambda s, z: s.unbind("inproc://late"),
    "disconnect": lambda s, z: s.disconnect("inproc://late"),
    "get": lambda s, z: s.get(z.TYPE),
    "set": lambda s, z: s.set(z.LINGER, 0),
    "get_attribute": lambda s, z: s.linger,
    "set_attribute": lambda s, z: setattr(s, "linger", 0),
    "poll": lambda s, z: s.poll(0),
    "monitor": lambda s, z: s.monitor("inproc://monitor"),
    "get_monitor_socket": lambda s, z: s.get_monitor_socket(),
    "fileno": lambda s, z: s.fileno(),
    "subscribe": lambda s, z: s.subscribe(b""),
    "events": lambda s, z: s.events,
    "close": lambda s, z: s.close(),
    "closed": lambda s, z: s.closed,
}


def each_call(sock, zmq):
    return {name: errors(lambda c=call: c(sock, zmq))[0] for name, call in CALLS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_calls_after_close(both, kind):
    def scenario(bench):
        sock = bench.socket(kind)
        sock.close()
        return each_call(sock, bench.zmq), bench.zmq.ENOTSOCK

    calls, enotsock = both(scenario)
    assert calls["send"] == ("ZMQError", enotsock)


@pytest.mark.parametrize("kind", KINDS)
def test_new_socket_without_a_peer(both, kind):
    def scenario(bench):
        calls = dict(CALLS)
        # Use a new socket for each call, since an earlier call may change the state of a socket.
        return {
            name: errors(lambda c=call: c(bench.socket(kind), bench.zmq))[0]
            for name, call in calls.items()
        }

    both(scenario)


@pytest.mark.parametrize("kind", CANNOT_SEND)
def test_send_on_a_type_that_cannot_send(both, kind):
    def scenario(bench):
        return outcome(bench.socket(kind).send, b"x"), bench.zmq.ENOTSUP

    result, enotsup = both(scenario)
    assert result == ("ZMQError", enotsup)


@pytest.mark.parametrize("kind", CANNOT_RECEIVE)
def test_recv_on_a_type_that_cannot_receive(both, kind):
    def scenario(bench):
        return outcome(bench.socket(kind).recv), bench.zmq.ENOTSUP

    result, enotsup = both(scenario)
    assert result == ("ZMQError", enotsup)


def test_req_out_of_order(both):
    def scenario(bench):
        rep, req = bench.pair("REP", "REQ")
        recv_first = outcome(req.recv)
        req.send(b"x")
        return recv_first, outcome(req.send, b"y"), rep.recv(), bench.zmq.EFSM

    first, second, _, efsm = both(scenario)
    assert first == second == ("ZMQError", efsm)


def test_rep_out_of_order(both):
    def scenario(bench):
        rep, req = bench.pair("REP", "REQ")
        send_first = outcome(rep.send, b"x")
        req.send(b"x")
        rep.recv()
        again = outcome(rep.recv)
        rep.send(b"answer")
        return send_first, again, req.recv(), outcome(rep.send, b"twice"), bench.zmq.EFSM

    result = both(scenario)
    assert result[0] == result[1] == ("ZMQError", result[-1])


def test_calls_after_term(both):
    """After ``term()`` has begun, the calls of open sockets raise on both libraries.

    No call waits when ``term()`` begins; the sockets are tried one after the other.
    """

    def scenario(bench):
        zmq = bench.zmq
        context = bench.new_context()
        context.term()
        return [
            outcome(lambda: context.closed),
            *errors(lambda: context.socket(zmq.REQ), lambda: context.term()),
            *errors(lambda: context.get(zmq.MAX_SOCKETS), lambda: context.set(zmq.IO_THREADS, 1)),
        ]

    assert both(scenario)[0] == ("returned", True)


def test_context_options(both):
    def scenario(bench):
        zmq, context = bench.zmq, bench.context
        names = ("IO_THREADS", "MAX_SOCKETS", "IPV6", "BLOCKY", "MAX_MSGSZ", "THREAD_PRIORITY")
        values = [outcome(lambda n=name: context.get(getattr(zmq, n))) for name in names]
        wrong = errors(
            lambda: context.set(zmq.MAX_SOCKETS, 0),
            lambda: context.set(zmq.IO_THREADS, -1),
            lambda: context.set(9999, 1),
            lambda: context.get(9999),
            lambda: context.set(zmq.MAX_SOCKETS, "x"),
            lambda: context.socket(99),
            lambda: context.socket(-1),
            lambda: context.socket("REQ"),
        )
        return values, wrong

    both(scenario)


def test_too_many_sockets(both):
    def scenario(bench):
        bench.context.set(bench.zmq.MAX_SOCKETS, 3)
        made = [bench.socket("PAIR") for _ in range(2)]
        # libzmq's internal sockets count as well, so only the last of these sockets exceeds the
        # limit for certain.
        result = errors(*3 * [lambda: made.append(bench.socket("PAIR"))])
        return result[-1], errno.EMFILE

    result, emfile = both(scenario)
    assert result == ("ZMQError", emfile)

"""Calls that a socket type refuses raise the right class with the right errno."""

import errno

import pytest
from meeting import connect, raises, raises_again, raises_terminated, values, waiting

import zlinkcompat as zmq

ALL = [
    zmq.PAIR, zmq.PUB, zmq.SUB, zmq.REQ, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL, zmq.PUSH,
    zmq.XPUB, zmq.XSUB, zmq.STREAM,
]  # fmt: skip


def types(*socket_types):
    return pytest.mark.parametrize("socket_type", socket_types, ids=lambda one: one.name)


# -- EAGAIN --------------------------------------------------------------------------------


@types(zmq.PAIR, zmq.SUB, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL, zmq.XPUB, zmq.XSUB, zmq.STREAM)
def test_recv_without_a_message(make, socket_type):
    sock = make(socket_type)
    for recv in sock.recv, sock.recv_multipart:
        with raises_again():
            recv(zmq.NOBLOCK)
    sock.rcvtimeo = 0
    with raises_again():
        sock.recv()


@types(zmq.PAIR, zmq.REQ, zmq.DEALER, zmq.PUSH)
def test_send_without_a_peer(make, socket_type):
    sock = make(socket_type)
    with raises_again():
        sock.send(b"x", zmq.NOBLOCK)
    with raises_again():
        sock.send(b"x", zmq.NOBLOCK | zmq.SNDMORE)
    with raises_again():
        sock.send_multipart([b"x", b"y"], zmq.NOBLOCK)
    sock.sndtimeo = 0
    with raises_again():
        sock.send(b"x")


@types(zmq.PAIR, zmq.REQ, zmq.DEALER, zmq.PUSH)
def test_send_of_a_binder_without_a_peer(bound, socket_type):
    sock = bound(socket_type)
    with raises_again():
        sock.send(b"x", zmq.NOBLOCK)


@types(zmq.PUB, zmq.XPUB, zmq.XSUB, zmq.ROUTER)
def test_dropping_types_never_wait(make, socket_type):
    sock = make(socket_type)
    sock.send(b"x", zmq.NOBLOCK)
    sock.send_multipart([b"x", b"y", b"z"], zmq.NOBLOCK)


def test_req_without_a_reply(connected_pair):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    req.send(b"?")
    with raises_again():
        req.recv(zmq.NOBLOCK)
    assert rep.recv() == b"?"
    rep.send(b"!")
    assert req.recv() == b"!"


# -- ENOTSUP -------------------------------------------------------------------------------


@types(zmq.PUSH, zmq.PUB)
def test_recv_on_a_send_only_type(make, socket_type):
    sock = make(socket_type)
    for recv in sock.recv, sock.recv_multipart:
        for flags in 0, zmq.NOBLOCK:
            with raises(zmq.ENOTSUP):
                recv(flags)
    assert sock.poll(0, zmq.POLLIN) == 0


@types(zmq.PULL, zmq.SUB)
def test_send_on_a_receive_only_type(make, socket_type):
    sock = make(socket_type)
    for flags in 0, zmq.NOBLOCK, zmq.SNDMORE:
        with raises(zmq.ENOTSUP):
            sock.send(b"x", flags)
    with raises(zmq.ENOTSUP):
        sock.send_multipart([b"x", b"y"])
    assert sock.poll(0, zmq.POLLOUT) == 0


# -- EFSM ----------------------------------------------------------------------------------


def test_req_receives_only_after_a_request(connected_pair):
    _, req = connected_pair(zmq.REP, zmq.REQ)
    for flags in 0, zmq.NOBLOCK:
        with raises(zmq.EFSM):
            req.recv(flags)
    assert req.poll(0) == 0


def test_req_sends_only_one_request_at_a_time(connected_pair):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    req.send(b"1")
    for flags in 0, zmq.NOBLOCK, zmq.SNDMORE:
        with raises(zmq.EFSM):
            req.send(b"2", flags)
    with raises(zmq.EFSM):
        req.send_multipart([b"2", b"2"])
    assert req.poll(0, zmq.POLLOUT) == 0
    assert rep.recv() == b"1"
    rep.send(b"one")
    assert req.recv() == b"one"
    req.send(b"3")
    assert rep.recv() == b"3"


def test_rep_sends_only_after_a_request(connected_pair):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    for flags in 0, zmq.NOBLOCK, zmq.SNDMORE:
        with raises(zmq.EFSM):
            rep.send(b"!", flags)
    with raises(zmq.EFSM):
        rep.send_multipart([b"!", b"!"])
    assert rep.poll(0, zmq.POLLOUT) == 0
    req.send(b"?")
    assert rep.recv() == b"?"
    rep.send(b"!")
    with raises(zmq.EFSM):
        rep.send(b"again")
    assert req.recv() == b"!"


def test_rep_must_reply_before_it_receives_again(bound, connected):
    rep = bound(zmq.REP)
    one, other = connected(zmq.REQ, rep), connected(zmq.REQ, rep)
    one.send(b"?")
    assert rep.recv() == b"?"
    other.send(b"??")
    for flags in 0, zmq.NOBLOCK:
        with raises(zmq.EFSM):
            rep.recv(flags)
    assert rep.poll(0) == 0
    rep.send(b"!")
    assert one.recv() == b"!"
    assert rep.recv() == b"??"


def test_req_cannot_receive_before_its_last_part(connected_pair):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    req.send(b"first part", zmq.SNDMORE)
    with raises(zmq.EFSM):
        req.recv(zmq.NOBLOCK)
    req.send(b"last part")
    assert rep.recv_multipart() == [b"first part", b"last part"]


def test_rep_cannot_reply_before_reading_all_parts(connected_pair):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    req.send_multipart([b"first part", b"last part"])
    assert rep.recv() == b"first part"
    with raises(zmq.EFSM):
        rep.send(b"!")
    assert rep.recv() == b"last part"
    rep.send(b"!")
    assert req.recv() == b"!"


def test_req_cannot_send_before_reading_all_parts(connected_pair):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    req.send(b"?")
    assert rep.recv() == b"?"
    rep.send_multipart([b"first part", b"last part"])
    assert req.recv() == b"first part"
    with raises(zmq.EFSM):
        req.send(b"??")
    assert req.recv() == b"last part"
    req.send(b"??")
    assert rep.recv() == b"??"


# -- EINVAL --------------------------------------------------------------------------------

#: Maps an option to the socket types that accept it, from zmq_setsockopt(3). In libzmq, PUB derives
#: from XPUB and REP from ROUTER, so they accept the options of these types. On a REP the options of
#: a ROUTER have no effect.
ONLY_FOR = {
    zmq.SUBSCRIBE: {zmq.SUB},
    zmq.UNSUBSCRIBE: {zmq.SUB},
    zmq.ROUTER_MANDATORY: {zmq.ROUTER},
    zmq.ROUTER_HANDOVER: {zmq.ROUTER},
    zmq.PROBE_ROUTER: {zmq.ROUTER, zmq.DEALER, zmq.REQ},
    zmq.CONNECT_ROUTING_ID: {zmq.ROUTER, zmq.STREAM},
    zmq.REQ_RELAXED: {zmq.REQ},
    zmq.REQ_CORRELATE: {zmq.REQ},
    zmq.XPUB_VERBOSE: {zmq.XPUB, zmq.PUB},
    zmq.XPUB_VERBOSER: {zmq.XPUB, zmq.PUB},
    zmq.XPUB_MANUAL: {zmq.XPUB, zmq.PUB},
    zmq.XPUB_NODROP: {zmq.XPUB, zmq.PUB},
    zmq.XPUB_WELCOME_MSG: {zmq.XPUB, zmq.PUB},
    zmq.STREAM_NOTIFY: {zmq.STREAM},
}
TAKES_BYTES = {zmq.SUBSCRIBE, zmq.UNSUBSCRIBE, zmq.CONNECT_ROUTING_ID, zmq.XPUB_WELCOME_MSG}


@pytest.mark.parametrize("option", ONLY_FOR, ids=lambda option: option.name)
@types(*[socket_type for socket_type in ALL if socket_type != zmq.REP])
def test_options_of_other_socket_types(make, socket_type, option):
    sock = make(socket_type)
    value = b"value" if option in TAKES_BYTES else 1
    if socket_type in ONLY_FOR[option]:
        sock.set(option, value)
    else:
        with raises(zmq.EINVAL):
            sock.set(option, value)


@pytest.mark.parametrize(
    "option", [option for option in ONLY_FOR if option not in TAKES_BYTES],
    ids=lambda option: option.name,
)  # fmt: skip
def test_flags_are_not_negative(make, option):
    sock = make(next(iter(ONLY_FOR[option])))
    with raises(zmq.EINVAL):
        sock.set(option, -1)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        (zmq.SNDHWM, -1), (zmq.RCVHWM, -1), (zmq.LINGER, -2), (zmq.SNDTIMEO, -2),
        (zmq.RCVTIMEO, -2), (zmq.RECONNECT_IVL, -2), (zmq.IMMEDIATE, 2), (zmq.IPV6, 2),
        (zmq.ROUTING_ID, b""), (zmq.ROUTING_ID, bytes(256)), (zmq.BACKLOG, -1),
        (zmq.TYPE, zmq.PUSH), (zmq.RCVMORE, 1), (zmq.LAST_ENDPOINT, b"tcp://127.0.0.1:1"),
    ],
)  # fmt: skip
@types(*ALL)
def test_invalid_values(make, socket_type, option, value):
    with raises(zmq.EINVAL):
        make(socket_type).set(option, value)


@pytest.mark.parametrize("verb", ["bind", "connect", "unbind", "disconnect"])
@pytest.mark.parametrize("endpoint", ["", "tcp", "tcp:/x", "tcp://"])
@types(*ALL)
def test_malformed_endpoints(make, socket_type, verb, endpoint):
    with raises(zmq.EINVAL):
        getattr(make(socket_type), verb)(endpoint)


@types(*ALL)
def test_unknown_transport(make, socket_type):
    for verb in "bind", "connect":
        with raises(zmq.EPROTONOSUPPORT):
            getattr(make(socket_type), verb)("carrier-pigeon://127.0.0.1:1")


def test_unknown_socket_type(context):
    with raises(zmq.EINVAL):
        context.socket(99)


# -- endpoints -----------------------------------------------------------------------------


def test_endpoint_cannot_be_bound_twice(bound, make):
    # This includes ipc, where we differ: libzmq would take the path over from its owner.
    one = bound(zmq.PULL)
    with raises(zmq.EADDRINUSE):
        make(zmq.PULL).bind(one.last_endpoint)
    with raises(zmq.EADDRINUSE):
        one.bind(one.last_endpoint)


def test_unbind_and_disconnect_of_unknown_endpoints(make, endpoints):
    sock = make(zmq.PULL)
    for verb in sock.unbind, sock.disconnect:
        with raises(errno.ENOENT):
            verb(endpoints.fixed())


def test_endpoint_cannot_be_unbound_twice(bound, connected):
    push = bound(zmq.PUSH)
    pull = connected(zmq.PULL, push)
    endpoint = push.last_endpoint
    pull.disconnect(endpoint)
    with raises(errno.ENOENT):
        pull.disconnect(endpoint)
    push.unbind(endpoint)
    with raises(errno.ENOENT):
        push.unbind(endpoint)


# -- ENOTSOCK ------------------------------------------------------------------------------

CALLS = {
    "send": lambda sock: sock.send(b"x"),
    "send_multipart": lambda sock: sock.send_multipart([b"x", b"y"]),
    "recv": lambda sock: sock.recv(),
    "recv_multipart": lambda sock: sock.recv_multipart(),
    "bind": lambda sock: sock.bind("inproc://x"),
    "connect": lambda sock: sock.connect("inproc://x"),
    "unbind": lambda sock: sock.unbind("inproc://x"),
    "disconnect": lambda sock: sock.disconnect("inproc://x"),
    "get": lambda sock: sock.get(zmq.LINGER),
    "set": lambda sock: sock.set(zmq.LINGER, 0),
    "events": lambda sock: sock.get(zmq.EVENTS),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@each_call
@types(*ALL)
def test_closed_socket(make, socket_type, call):
    sock = make(socket_type)
    sock.close()
    with raises(zmq.ENOTSOCK):
        call(sock)


def test_poll_of_a_closed_socket(make):
    sock = make(zmq.PULL)
    sock.close()
    # As in pyzmq, Socket.poll raises ENOTSUP here instead of ENOTSOCK.
    with raises(zmq.ENOTSUP):
        sock.poll(0)


# -- ETERM ---------------------------------------------------------------------------------


@each_call
@types(*ALL)
def test_socket_of_a_terminated_context(context, make, socket_type, call):
    sock = make(socket_type)
    terminating = waiting(context.term)
    # As in libzmq, options still work after term() has begun. They raise once a call that processes
    # commands, like this poll(), has reported the termination.
    with raises_terminated():
        sock.poll(0)
    with raises_terminated():
        call(sock)
    sock.close()
    values([terminating])


def test_sockets_with_peers_end_with_the_context(context, connected_pair):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    req.send(b"?")
    assert rep.recv() == b"?"
    terminating = waiting(context.term)
    # As in libzmq, recv() first checks the state of the REP. It then raises EFSM without processing
    # commands, so it does not learn of the termination.
    with raises(zmq.EFSM):
        rep.recv()
    with raises_terminated():
        req.recv()
    for sock in rep, req:
        with raises_terminated():
            sock.send(b"x")
        sock.close()
    values([terminating])


def test_terminating_context_creates_no_socket(context, make):
    sock = make(zmq.PULL)
    terminating = waiting(context.term)
    with raises_terminated():
        context.socket(zmq.PULL)
    sock.close()
    values([terminating])


# -- EHOSTUNREACH --------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [0, zmq.NOBLOCK])
def test_mandatory_router_refuses_an_unknown_peer(bound, flags):
    router = bound(zmq.ROUTER, router_mandatory=1)
    with raises(zmq.EHOSTUNREACH):
        router.send(b"nobody", flags | zmq.SNDMORE)
    with raises(zmq.EHOSTUNREACH):
        router.send_multipart([b"nobody", b"x"], flags)


def test_stream_refuses_an_unknown_peer(make):
    stream = make(zmq.STREAM)
    stream.bind("tcp://127.0.0.1:*")
    with raises(zmq.EHOSTUNREACH):
        stream.send(b"nobody", zmq.SNDMORE)
    with raises(zmq.EHOSTUNREACH):
        stream.send_multipart([b"nobody", b"x"])


def test_socket_is_usable_after_errors(bound, make):
    router = bound(zmq.ROUTER, router_mandatory=1)
    with raises(zmq.EHOSTUNREACH):
        router.send_multipart([b"peer", b"x"])
    with raises_again():
        router.recv(zmq.NOBLOCK)
    dealer = make(zmq.DEALER, routing_id=b"peer")
    connect(dealer, router)
    router.send_multipart([b"peer", b"x"])
    assert dealer.recv() == b"x"

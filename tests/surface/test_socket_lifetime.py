"""Creating, shadowing, printing, closing and collecting sockets."""

import copy
import gc
import os
import sys
import warnings
import weakref

import gevent
import pytest
from guard import GUARD
from programs import interrupt_when_ready, run
from sidebyside import failure, outcome

import zlinkcompat as zmq

KINDS = [
    "PAIR",
    "PUB",
    "SUB",
    "REQ",
    "REP",
    "DEALER",
    "ROUTER",
    "PULL",
    "PUSH",
    "XPUB",
    "XSUB",
    "STREAM",
]


# -- creation ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_socket(context, kind):
    sock = context.socket(getattr(zmq, kind))
    assert sock.type == getattr(zmq, kind) and sock.context is context and sock.closed is False
    assert type(sock) is zmq.Socket
    sock.close()


def test_socket_can_be_created_from_its_class(context):
    sock = zmq.Socket(context, zmq.PAIR)
    assert sock.type == zmq.PAIR and sock.context is context
    sock.close()


@pytest.mark.parametrize("arguments", [(), (None,), (None, 0), ("context", 0), (7, 0)])
def test_a_socket_needs_a_context(both, arguments):
    both(lambda side: failure(side.zmq.Socket, *arguments))


@pytest.mark.parametrize("kind", [-1, 99, "PAIR", None, 1.5])
def test_a_socket_needs_a_type(both, kind):
    both(lambda side: failure(side.zmq.Socket, side.context, kind))


@pytest.mark.parametrize(
    "make",
    [
        lambda context: zmq.Socket(context, 99),
        lambda context: zmq.Socket(context, "PAIR"),
        lambda context: zmq.Socket(),
        lambda context: zmq.Socket(shadow=12345),
        lambda context: zmq.Socket(shadow="no address"),
        lambda context: zmq.Socket("context", 0),
    ],
)
def test_failed_socket_does_not_warn(monkeypatch, context, make):
    gc.collect()  # collect the sockets of earlier tests
    said = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert failure(make, context) != "returned"
        gc.collect()
    assert said == []


def test_sockets_are_hashable(make):
    one, other = make(zmq.PAIR), make(zmq.PAIR)
    assert {one: 1, other: 2}[one] == 1
    assert one == one and one != other
    hashed = hash(one)
    one.close()
    assert hash(one) == hashed


def test_subclass_may_have_its_own_attributes(context):
    class Mine(zmq.Socket):
        name = None

        def shout(self, text):
            self.send_string(text.upper())

    one, other = Mine(context, zmq.PAIR), Mine(context, zmq.PAIR)
    one.name = "loud"
    one.bind("inproc://mine")
    other.connect("inproc://mine")
    one.shout("hey")
    assert other.recv() == b"HEY" and one.name == "loud"
    one.close()
    other.close()


# -- repr ----------------------------------------------------------------------------------


def test_repr(make):
    sock = make(zmq.DEALER)
    assert repr(sock).startswith("<zlinkcompat zmq.Socket(zmq.DEALER) at 0x")
    sock.close()
    assert repr(sock).endswith(" closed>")


def test_repr_of_a_subclass(context):
    class Mine(zmq.Socket):
        pass

    with Mine(context, zmq.PAIR) as sock:
        assert f"{__name__}.Mine(zmq.PAIR)" in repr(sock)


# -- shadows -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shadow",
    [
        lambda sock: zmq.Socket(sock),
        lambda sock: zmq.Socket(shadow=sock),
        lambda sock: zmq.Socket(shadow=sock.underlying),
        lambda sock: zmq.Socket.shadow(sock),
        lambda sock: zmq.Socket.shadow(sock.underlying),
        copy.copy,
        copy.deepcopy,
    ],
    ids=["positional", "keyword", "address", "shadow", "shadow-address", "copy", "deepcopy"],
)
def test_a_shadow_is_the_same_socket(pair, shadow):
    one, other = pair(endpoint="inproc://shadow")
    double = shadow(one)
    assert double is not one and double.underlying == one.underlying
    assert double.type == one.type and double._shadow
    double.send(b"x")
    assert other.recv() == b"x"
    double.linger = 77
    assert one.linger == 77
    double.close()
    assert one.closed


def test_a_shadow_of_a_socket_has_its_context(make):
    sock = make(zmq.PAIR)
    assert zmq.Socket(sock).context is zmq.Socket.shadow(sock).context is sock.context


@pytest.mark.parametrize("shadow", [
    lambda zmq, sock: zmq.Socket.shadow(sock), lambda zmq, sock: zmq.Socket(sock),
    lambda zmq, sock: zmq.Socket(shadow=sock),
])  # fmt: skip
def test_a_closed_socket_has_no_shadow(both, shadow):
    def scenario(side):
        one, _ = side.pair()
        one.close()
        # The shadow of a closed socket fails, and does not create a new PAIR.
        return failure(shadow, side.zmq, one)

    assert both(scenario)[0] is TypeError


def test_collected_shadow_does_not_close_the_socket(make):
    sock = make(zmq.PAIR)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zmq.Socket(sock)
        gc.collect()
    assert not sock.closed


def test_a_shadow_sees_that_the_socket_was_closed(make):
    sock = make(zmq.PAIR)
    double = zmq.Socket(sock)
    sock.close()
    assert double.closed
    assert failure(double.send, b"x") == (zmq.ZMQError, zmq.ENOTSOCK)
    double.close()


@pytest.mark.parametrize("address", [12345, 1])
def test_shadow_of_zero_is_refused(address):
    # We do not run this on pyzmq, because libzmq would use the number as a pointer.
    with pytest.raises(zmq.ZMQError) as caught:
        zmq.Socket(shadow=address)
    assert caught.value.errno == zmq.ENOTSOCK


def test_shadow_of_another_object(both):
    assert both(lambda side: failure(side.zmq.Socket, shadow="no address")) == (ValueError, None)


# -- closing -------------------------------------------------------------------------------


def test_close(make):
    sock = make(zmq.PAIR)
    assert sock.close() is None
    assert sock.closed is True
    sock.close()  # a second call is harmless
    sock.close(linger=0)


def test_a_socket_is_a_context_manager(make):
    with make(zmq.PAIR) as sock:
        assert not sock.closed
    assert sock.closed


def test_socket_is_closed_even_if_its_block_raises(make):
    with pytest.raises(ZeroDivisionError), make(zmq.PAIR) as sock:
        1 // 0
    assert sock.closed


CALLS = {
    "send": lambda s: s.send(b"x"),
    "send_multipart": lambda s: s.send_multipart([b"x"]),
    "send_string": lambda s: s.send_string("x"),
    "send_json": lambda s: s.send_json(1),
    "recv": lambda s: s.recv(),
    "recv_multipart": lambda s: s.recv_multipart(),
    "recv_into": lambda s: s.recv_into(bytearray(9)),
    "recv nocopy": lambda s: s.recv(copy=False),
    "recv_string": lambda s: s.recv_string(),
    "recv NOBLOCK": lambda s: s.recv(1),
    "bind": lambda s: s.bind("inproc://x"),
    "connect": lambda s: s.connect("inproc://x"),
    "unbind": lambda s: s.unbind("inproc://x"),
    "disconnect": lambda s: s.disconnect("inproc://x"),
    "bind_to_random_port": lambda s: s.bind_to_random_port("tcp://127.0.0.1"),
    "get": lambda s: s.get(17),
    "set": lambda s: s.set(17, 0),
    "attribute": lambda s: s.linger,
    "assignment": lambda s: setattr(s, "linger", 0),
    "type": lambda s: s.type,
    "fileno": lambda s: s.fileno(),
    "events": lambda s: s.events,
    "poll": lambda s: s.poll(0),
    "hwm": lambda s: s.hwm,
    "set_hwm": lambda s: s.set_hwm(1),
    "get_string": lambda s: s.get_string(32),
    "monitor": lambda s: s.monitor("inproc://m"),
    "subscribe": lambda s: s.subscribe(b"x"),
    "get_monitor_socket": lambda s: s.get_monitor_socket(),
    "disable_monitor": lambda s: s.disable_monitor(),
    "unknown": lambda s: s.nosuchoption,
    "close": lambda s: s.close(),
    "closed": lambda s: s.closed,
    "bad send": lambda s: s.send("x"),
    "bad bind": lambda s: s.bind(7),
    "bad set": lambda s: s.set(17, "x"),
    "copy": lambda s: copy.copy(s),
    "send Frame": lambda s: s.send(b"x", copy=False),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_calls_after_close(both, call):
    def scenario(side):
        sock = side.socket("DEALER")
        sock.close()
        return failure(call, sock)

    both(scenario)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_calls_after_destroy(both, call):
    def scenario(side):
        context = side.zmq.Context()
        sock = context.socket(side.zmq.DEALER)
        context.destroy()
        return failure(call, sock)

    both(scenario)


def test_close_wakes_waiting_calls(make):
    receiver, sender = make(zmq.PULL), make(zmq.PUSH)
    waiting = [gevent.spawn(failure, receiver.recv), gevent.spawn(failure, sender.send, b"x")]
    gevent.idle()
    receiver.close()
    sender.close()
    assert [one.get(timeout=GUARD) for one in waiting] == 2 * [(zmq.ZMQError, zmq.ENOTSOCK)]


def test_messages_sent_before_close_arrive(bound, make):
    pull, push = bound(zmq.PULL), make(zmq.PUSH)
    push.connect(pull.last_endpoint)
    for number in range(100):
        push.send(b"%d" % number)
    push.close()
    assert [pull.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]


def test_close_with_linger_closes_all_shadows(make):
    sock = make(zmq.PUSH)
    double = zmq.Socket(sock)
    sock.close(linger=5)
    assert double.closed


@pytest.mark.parametrize("linger", ["1", b"1", [], 2**40])
def test_non_numeric_linger_is_refused(context, linger):
    # We do not run this on pyzmq, because its context would forget this socket and then wait for it
    # forever.
    sock = context.socket(zmq.PUSH)
    assert failure(sock.close, linger)[0] in (TypeError, OverflowError)
    assert not sock.closed
    sock.close()


@pytest.mark.parametrize("library", ["zmq", "zlinkcompat"])
def test_linger_below_minus_1_has_no_effect(library):
    """A LINGER below -1 leaves the option unchanged, as in pyzmq.

    libzmq refuses the value, and pyzmq ignores that error.
    """
    assert (
        run(f"""
        import os, gevent, {library} as zmq
        context = zmq.Context()
        sock = context.socket(zmq.PUSH)
        sock.linger = 10
        sock.connect("tcp://127.0.0.1:1")
        sock.send(b"never delivered")
        sock.close(linger=-5)
        with gevent.Timeout(2, False):
            context.term()
            print("ended", flush=True)
        os._exit(0)
    """)
        == "ended\n"
    )


def test_a_context_forgets_closed_sockets(context):
    sock = context.socket(zmq.PAIR)
    assert "1 socket" in repr(context)
    sock.close()
    assert "socket" not in repr(context)


# -- garbage collection --------------------------------------------------------------------


def test_collected_open_socket_warns(context):
    with pytest.warns(ResourceWarning, match="Unclosed socket <zlinkcompat zmq.Socket"):
        context.socket(zmq.PAIR)
        gc.collect()


def test_a_collected_socket_frees_its_address(context):
    sock = context.socket(zmq.PAIR)
    sock.bind("inproc://freed")
    gone = weakref.ref(sock)
    with pytest.warns(ResourceWarning):
        del sock
        gc.collect()
    assert gone() is None
    with context.socket(zmq.PAIR) as other:
        other.bind("inproc://freed")


def test_collected_closed_socket_does_not_warn(context):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        context.socket(zmq.PAIR).close()
        gc.collect()


def test_a_pair_in_a_cycle_is_collected(context):
    one, other = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    one.bind("inproc://cycle")
    other.connect("inproc://cycle")
    holder = [one, other]
    holder.append(holder)
    gone = weakref.ref(one)
    with pytest.warns(ResourceWarning):
        del one, other, holder
        gc.collect()
    assert gone() is None


def test_forked_child_does_not_close_the_parents_sockets(pair):
    one, other = pair()
    one.send(b"before")
    assert other.recv() == b"before"
    child = os.fork()
    if not child:
        one.close()
        other.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    one.send(b"after")
    assert other.recv() == b"after"


@pytest.mark.parametrize("end", ["", "sock.close()", "context.term()", "context.destroy()"])
def test_program_without_cleanup_ends(end):
    close_first = "sock.close()\n" if "term" in end else ""
    assert (
        run(f"""
import zlinkcompat as zmq
context = zmq.Context()
sock = context.socket(zmq.PAIR)
sock.bind("tcp://127.0.0.1:*")
{close_first}{end}
print("end")
""")
        == "end\n"
    )


@pytest.mark.parametrize("call", ["recv()", "poll()", "send(b'x')"])
def test_interrupt_ends_waiting_calls(call):
    code, errors = interrupt_when_ready(
        "-c",
        f"""
import zlinkcompat as zmq
with zmq.Context() as context, context.socket(zmq.DEALER) as sock:
    sock.bind("tcp://127.0.0.1:*")
    print("ready", flush=True)
    sock.{call}
""",
    )
    assert code == -2 and errors.rstrip().endswith("KeyboardInterrupt")


def test_options_belong_to_the_socket_and_not_its_class(make):
    one, other = make(zmq.PAIR), make(zmq.PAIR)
    one.linger = 5
    assert outcome(getattr, other, "linger") == ("returned", -1)

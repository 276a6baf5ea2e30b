"""Context: options, sockets, the per-process instance, shadows, and termination."""

import copy
import errno
import gc
import sys
import warnings

import gevent
import pytest
import zmq as pyzmq
from guard import GUARD
from sidebyside import failure, outcome

import zlinkcompat as zmq
from zlinkcompat.core.options import Options


@pytest.fixture
def fresh(no_descriptor_is_left):
    """``fresh(...)`` is ``Context(...)``; at the end, contexts that are still open terminate."""
    contexts = []

    def fresh(*args, **kwargs):
        contexts.append(zmq.Context(*args, **kwargs))
        return contexts[-1]

    yield fresh
    for context in contexts:
        with gevent.Timeout(GUARD):
            context.destroy(linger=0)


# -- the instance ----------------------------------------------------------------------------


@pytest.fixture
def instance():
    yield zmq.Context.instance
    zmq.Context.instance().term()


def test_instance_is_one_per_process(instance):
    assert instance() is instance()


def test_instance_is_recreated_after_term(instance):
    first = instance()
    first.term()
    second = instance()
    assert second is not first and not second.closed


def test_instance_takes_io_threads_when_created(instance):
    instance().term()
    assert instance(io_threads=3).get(zmq.IO_THREADS) == 3
    assert instance(io_threads=4).get(zmq.IO_THREADS) == 3


def test_a_new_context_is_not_the_instance(instance, context):
    assert instance() is not context


def test_subclasses_share_the_instance_as_in_pyzmq(both):
    def scenario(side):
        class Mine(side.zmq.Context):
            _instance = None

        mine, base = Mine.instance(), side.zmq.Context.instance()
        try:
            return type(mine) is Mine, type(base) is side.zmq.Context
        finally:
            mine.term()
            base.term()

    assert both(scenario) == (True, True)


# -- options ---------------------------------------------------------------------------------


def test_io_threads_have_the_requested_number(fresh):
    assert fresh().get(zmq.IO_THREADS) == 1
    assert fresh(4).get(zmq.IO_THREADS) == 4
    assert fresh(io_threads=0).get(zmq.IO_THREADS) == 0


def test_negative_io_threads_are_refused():
    # We do not run this on pyzmq, because its failed context leaves descriptors open.
    assert failure(zmq.Context, -1) == (zmq.ZMQError, zmq.EINVAL)


@pytest.mark.parametrize("threads", ["2", None])
def test_io_threads_must_be_a_number(both, threads):
    assert both(lambda side: failure(side.zmq.Context, threads))[0] is TypeError


@pytest.mark.parametrize("arguments", [(-1,), ("2",), (1, "no address"), (1, 12345)])
def test_failed_context_does_not_warn(monkeypatch, arguments):
    gc.collect()  # collect the contexts of earlier tests
    said = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert failure(zmq.Context, *arguments) != "returned"
        gc.collect()
    assert said == []


@pytest.mark.parametrize(
    "name",
    [
        "IO_THREADS",
        "MAX_SOCKETS",
        "SOCKET_LIMIT",
        "IPV6",
        "BLOCKY",
        "MAX_MSGSZ",
        "THREAD_SCHED_POLICY",
        "THREAD_PRIORITY",
        "THREAD_NAME_PREFIX",
        "MSG_T_SIZE",
        "THREAD_AFFINITY_CPU_ADD",
    ],
)
def test_get_option(both, name):
    both(lambda side: outcome(side.context.get, getattr(side.zmq, name)))


@pytest.mark.parametrize(
    "name, value",
    [
        ("IO_THREADS", 2),
        ("IO_THREADS", -1),
        ("MAX_SOCKETS", 7),
        ("MAX_SOCKETS", 0),
        ("MAX_SOCKETS", 10**6),
        ("IPV6", 1),
        ("IPV6", 2),
        ("IPV6", -1),
        ("BLOCKY", 0),
        ("BLOCKY", 2),
        ("MAX_MSGSZ", 1000),
        ("MAX_MSGSZ", -1),
        ("SOCKET_LIMIT", 5),
        ("MSG_T_SIZE", 64),
        ("IO_THREADS", "2"),
        ("IO_THREADS", b"2"),
        ("IO_THREADS", 2.0),
        ("IO_THREADS", None),
        ("IO_THREADS", True),
        ("IO_THREADS", 2**40),
    ],
)
def test_set_option(both, name, value):
    def scenario(side):
        option = getattr(side.zmq, name)
        return failure(side.context.set, option, value), outcome(side.context.get, option)

    both(scenario)


@pytest.mark.parametrize("option", [9999, -1, "IO_THREADS", None])
def test_unknown_option(both, option):
    both(lambda side: (failure(side.context.set, option, 1), failure(side.context.get, option)))


def test_options_are_attributes_in_any_case(fresh):
    context = fresh()
    context.max_sockets = 17
    assert context.get(zmq.MAX_SOCKETS) == context.MAX_SOCKETS == context.max_sockets == 17
    context.IPV6 = 1
    assert context.ipv6 == 1


@pytest.mark.parametrize("name", ["nosuchoption", "NOSUCHOPTION", "linger", "recv", "_nothing"])
def test_unknown_attribute(both, name):
    result = both(lambda side: failure(getattr, side.context, name))
    assert result[0] is AttributeError


@pytest.mark.parametrize("name", ["nosuchoption", "NOSUCHOPTION", "pollin"])
def test_read_only_attribute(both, name):
    result = both(lambda side: failure(setattr, side.context, name, 1))
    assert result[0] is AttributeError


# -- defaults for sockets --------------------------------------------------------------------


def test_socket_options_of_a_context_are_defaults_of_its_sockets(context):
    before = context.socket(zmq.PUSH)
    context.linger = 123
    context.setsockopt(zmq.SNDHWM, 7)
    with before, context.socket(zmq.PUSH) as after:
        assert (after.linger, after.sndhwm) == (123, 7)
        assert (before.linger, before.sndhwm) == (-1, 1000)
    assert context.linger == context.getsockopt(zmq.LINGER) == 123
    assert context.sockopts == {zmq.LINGER: 123, zmq.SNDHWM: 7}


def test_defaults_for_other_socket_types_are_skipped(context):
    context.subscribe = b"topic"
    with context.socket(zmq.PUSH), context.socket(zmq.SUB):
        pass


def test_default_can_be_deleted(context):
    context.linger = 5
    del context.linger
    with context.socket(zmq.PUSH) as sock:
        assert sock.linger == -1
    with pytest.raises(AttributeError):
        context.linger
    with pytest.raises(AttributeError):
        del context.linger
    with pytest.raises(AttributeError):
        del context.nosuchoption


def test_deleting_an_unset_default_is_a_key_error(both):
    assert both(lambda side: failure(side.context.getsockopt, side.zmq.LINGER))[0] is KeyError


# -- sockets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [99, -1, "REQ", None])
def test_invalid_socket_type(both, kind):
    both(lambda side: failure(side.context.socket, kind))


def test_socket_class_can_be_chosen_for_a_call(context):
    class Mine(zmq.Socket):
        pass

    with context.socket(zmq.PAIR, socket_class=Mine) as sock:
        assert type(sock) is Mine


def test_socket_class_can_be_chosen_for_a_context(no_descriptor_is_left):
    class Mine(zmq.Socket):
        greeting = "hello"

    class MyContext(zmq.Context):
        _socket_class = Mine

    with MyContext() as context, context.socket(zmq.PAIR) as sock:
        assert sock.greeting == "hello" and sock.context is context


def test_socket_keywords_reach_the_class(context):
    with context.socket(zmq.PAIR, copy_threshold=5) as sock:
        assert sock.copy_threshold == 5


def test_max_sockets_is_a_limit(fresh):
    context = fresh()
    context.max_sockets = 2
    made = [context.socket(zmq.PAIR), context.socket(zmq.PAIR)]
    with pytest.raises(zmq.ZMQError) as caught:
        context.socket(zmq.PAIR)
    assert caught.value.errno == errno.EMFILE
    made.pop().close()
    context.socket(zmq.PAIR).close()


@pytest.mark.parametrize("later", [1, 3])
def test_max_sockets_is_fixed_by_the_first_socket(both, later):
    def scenario(side):
        side.context.max_sockets = 2
        side.socket("PAIR")
        side.context.max_sockets = later
        return outcome(side.socket, "PAIR")[0], outcome(side.socket, "PAIR")

    assert both(scenario) == ("returned", (pyzmq.ZMQError, errno.EMFILE))


def test_closed_context_has_no_address(both):
    def scenario(side):
        open_one = side.context.underlying != 0
        side.context.term()
        return open_one, side.context.underlying

    assert both(scenario) == (True, 0)


# -- shadows ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shadow",
    [
        lambda context: zmq.Context(context),
        lambda context: zmq.Context(shadow=context),
        lambda context: zmq.Context(shadow=context.underlying),
        lambda context: zmq.Context.shadow(context),
        lambda context: zmq.Context.shadow(context.underlying),
        copy.copy,
        copy.deepcopy,
    ],
    ids=["positional", "keyword", "address", "shadow", "shadow-address", "copy", "deepcopy"],
)
def test_shadow_is_the_same_context(context, shadow):
    other = shadow(context)
    assert other is not context and other.underlying == context.underlying
    context.max_sockets = 99
    assert other.max_sockets == 99
    with context.socket(zmq.PAIR) as one, other.socket(zmq.PAIR) as another:
        one.bind("inproc://shared")
        another.connect("inproc://shared")
        one.send(b"x")
        assert another.poll(GUARD * 1000) and another.recv() == b"x"


def test_collected_shadow_does_not_terminate_the_context(context):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zmq.Context.shadow(context)
        gc.collect()
    assert not context.closed
    with context.socket(zmq.PAIR):
        pass


def test_shadow_of_zero_is_refused():
    with pytest.raises(zmq.ZMQError) as caught:
        zmq.Context(shadow=12345)
    assert caught.value.errno == zmq.EFAULT


def test_shadow_of_another_object(both):
    assert both(lambda side: failure(side.zmq.Context, shadow="no address"))[0] is ValueError


# -- the end ---------------------------------------------------------------------------------


def test_term_closes_the_context(fresh):
    context = fresh()
    assert context.closed is False
    context.term()
    assert context.closed is True
    context.term()  # a second call is harmless
    context.destroy()


def test_calls_after_term(both):
    def scenario(side):
        context, zmq = side.zmq.Context(), side.zmq
        context.term()
        return [
            failure(context.socket, zmq.PAIR),
            failure(context.get, zmq.IO_THREADS),
            failure(context.set, zmq.IO_THREADS, 1),
            failure(getattr, context, "io_threads"),
            failure(setattr, context, "io_threads", 2),
            failure(setattr, context, "linger", 2),
            failure(context.destroy),
            context.closed,
        ]

    assert both(scenario)[0] == (zmq.ZMQError, zmq.ENOTSUP)


def test_term_waits_for_the_last_socket(fresh):
    context = fresh()
    sock = context.socket(zmq.PAIR)
    ending = gevent.spawn(context.term)
    gevent.idle()
    assert not ending.dead
    with pytest.raises(zmq.ContextTerminated):
        sock.recv()
    with pytest.raises(zmq.ZMQError) as caught:
        context.socket(zmq.PAIR)
    assert caught.value.errno == zmq.ETERM
    sock.close()
    ending.get(timeout=GUARD)
    assert context.closed


def test_term_wakes_waiting_calls(fresh):
    context = fresh()
    receiver, sender = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    waiting = [
        gevent.spawn(outcome, receiver.recv),
        gevent.spawn(outcome, receiver.poll, GUARD * 1000),
        gevent.spawn(outcome, sender.send, b"x"),
    ]
    gevent.idle()
    ending = gevent.spawn(context.term)
    assert [one.get(timeout=GUARD) for one in waiting] == 3 * [(zmq.ContextTerminated, zmq.ETERM)]
    receiver.close()
    sender.close()
    ending.get(timeout=GUARD)


def test_interrupted_term_can_be_called_again(fresh):
    context = fresh()
    sock = context.socket(zmq.PAIR)
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.01):
        context.term()
    sock.close()
    context.term()
    assert context.closed


def test_destroy_closes_the_sockets(fresh):
    context = fresh()
    sockets = [context.socket(kind) for kind in (zmq.PUSH, zmq.SUB, zmq.PAIR)]
    context.destroy()
    assert context.closed and all(sock.closed for sock in sockets)


def test_destroy_sets_linger(fresh):
    context = fresh()
    sock = context.socket(zmq.PUSH)
    sock.connect("tcp://127.0.0.1:1")  # no socket listens on this port
    sock.send(b"never delivered")
    with gevent.Timeout(GUARD):
        context.destroy(linger=0)
    assert context.closed


def test_context_manager_destroys_the_context(no_descriptor_is_left):
    with zmq.Context() as context:
        sock = context.socket(zmq.PAIR)
        sock.close()
    assert context.closed


def test_context_manager_warns_about_open_sockets(no_descriptor_is_left):
    with pytest.warns(ResourceWarning, match="unclosed socket"), zmq.Context() as context:
        sock = context.socket(zmq.PAIR)
    assert context.closed and sock.closed


def test_collected_open_context_warns(no_descriptor_is_left):
    with pytest.warns(ResourceWarning, match="Unclosed context"):
        zmq.Context()
        gc.collect()


@pytest.mark.parametrize("open_sockets, text", [(0, "()"), (1, "(1 socket)"), (2, "(2 sockets)")])
def test_repr(context, open_sockets, text):
    sockets = [context.socket(zmq.PAIR) for _ in range(open_sockets)]
    assert repr(context).startswith("<zlinkcompat zmq.Context" + text + " at 0x")
    for sock in sockets:
        sock.close()
    context.term()
    assert repr(context).endswith(" closed>")


def test_underlying_is_an_address(context):
    assert isinstance(context.underlying, int) and context.underlying > 0


def test_underlying_after_term(both):
    def scenario(side):
        context = side.zmq.Context()
        context.term()
        return failure(lambda: context.underlying)

    both(scenario)


def test_socket_created_while_another_thread_terminates(fresh, monkeypatch):
    """A socket that is created while another thread terminates the context is refused.

    The context keeps no reference to it, so term() does not wait for it.
    """
    context = fresh()
    inherit = Options.inherit

    def terminated_meanwhile(options, given):
        inherit(options, given)
        context.core.term()

    monkeypatch.setattr(Options, "inherit", terminated_meanwhile)
    with pytest.raises(zmq.ContextTerminated):
        context.socket(zmq.PULL)
    assert not context.core.sockets

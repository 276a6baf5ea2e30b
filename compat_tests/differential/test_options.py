"""All options have the same defaults on all types, and the same values are refused."""

import pytest

from compat_tests.differential.kinds import KINDS
from compat_tests.differential.option_names import (
    OF_ROUTER,
    REFUSED,
    option_names,
)
from compat_tests.differential.outcome import errors, outcome
from compat_tests.libraries import OURS, load

COMPARED = [
    (option, kind)
    for option in REFUSED
    for kind in KINDS
    if not (kind == "REP" and option in OF_ROUTER)
]


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_by_attribute(both, kind):
    def scenario(bench):
        sock = bench.context.socket(getattr(bench.zmq, kind))
        return {n: outcome(lambda n=n: getattr(sock, n.lower())) for n in option_names(bench.zmq)}

    result = both(scenario)
    assert result["SNDHWM"] == ("returned", 1000)


@pytest.mark.parametrize("option, kind", COMPARED)
def test_refused_and_accepted_values(both, option, kind):
    def scenario(bench):
        number = getattr(bench.zmq, option)
        results = []
        for value in REFUSED[option]:
            sock = bench.socket(kind)
            result = errors(lambda s=sock, v=value: s.set(number, v))[0]
            results.append((value, result, _read_back(sock, option, number)))
        return results

    both(scenario)


def _read_back(sock, option, number):
    # Do not compare descriptors and EVENTS, which differ between any two sockets.
    return None if option in ("FD", "EVENTS") else outcome(sock.get, number)


@pytest.mark.parametrize(
    "option, value",
    [(option, b"x" if option == "CONNECT_ROUTING_ID" else 0) for option in sorted(OF_ROUTER)],
)
def test_values_refused_by_decision(option, value):
    zmq = load(OURS)
    with zmq.Context() as context, context.socket(zmq.REP) as sock:
        with pytest.raises(zmq.ZMQError) as caught:
            sock.set(getattr(zmq, option), value)
    assert caught.value.errno == zmq.EINVAL


def test_unknown_options(both):
    def scenario(bench):
        sock = bench.socket("PAIR")
        return errors(
            lambda: sock.get(9999),
            lambda: sock.set(9999, 1),
            lambda: sock.set(9999, b"x"),
            lambda: sock.no_such_option,
            lambda: setattr(sock, "no_such_option", 1),
            lambda: sock.getsockopt(-1),
            lambda: sock.setsockopt(-1, 0),
            lambda: sock.set_string(bench.zmq.LINGER, "x"),
            lambda: sock.get_string(17),
            lambda: sock.set_hwm(7),
            lambda: sock.get_hwm(),
            lambda: sock.hwm,
        )

    both(scenario)


def test_hwm_after_bind_and_rcvmore(both):
    def scenario(bench):
        one, other = bench.pair("PAIR", "PAIR")
        before = other.rcvmore
        one.send_multipart([b"a", b"b"])
        more = [(other.recv(), other.rcvmore) for _ in range(2)]
        one.sndhwm = 5
        return before, more, one.sndhwm, other.type, other.last_endpoint

    both(scenario)

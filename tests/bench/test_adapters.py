"""Every library completes a short run of every pattern that its adapter supports.

No time is asserted.
"""

import pytest

from bench.adapters import adapter, known
from bench.adapters.pyomq import is_old
from bench.cases import PATTERNS, Case

SMALL = 64
CONNECTIONS = 20


def tiny_case(pattern, transport):
    return Case(pattern, transport, SMALL if PATTERNS[pattern].of_messages else CONNECTIONS)


#: Patterns with which the uvloop variants of the adapters are tested.
IN_UVLOOP = ("push-pull", "req-rep", "serving")
#: Workload variants that need no test of their own: another pattern runs the same code.
ONCE = ("serving-2-engines", "serving-steps", "serving-2-engines-steps", "prompt-subscribers")


def pairs():
    for name, library in known().items():
        for pattern in library.patterns:
            if name.endswith("uvloop") and pattern not in IN_UVLOOP:
                continue
            if pattern in ONCE and not name.startswith("zlink.asyncio"):
                continue
            # Patterns do not depend on the transport, so test all transports with two patterns.
            all_transports = pattern in ("push-pull", "req-rep")
            for transport in ("tcp", "ipc", "inproc") if all_transports else ("tcp",):
                # Plain sockets do not support small messages.
                case = tiny_case(pattern, transport)
                if name == "raw" and pattern == "push-pull":
                    case = Case(pattern, transport, 65536)
                if adapter(name).runs(case):
                    yield name, case
    for transport in ("tls", "ws", "wss"):
        for pattern in ("push-pull", "req-rep"):
            yield "zlink", tiny_case(pattern, transport)
    for pattern in known()["websockets"].patterns:
        yield "websockets", tiny_case(pattern, "ws")
    yield "raw", Case("push-pull", "tls", 65536)


@pytest.mark.parametrize(
    "name, case", [pytest.param(name, case, id=f"{name}-{case.name}") for name, case in pairs()]
)
def test_every_library_makes_a_tiny_run(name, case, forkserver, tiny):
    if case.shape.work == "serving":
        pytest.importorskip("msgpack", reason="the extra bench has it")
    measured = forkserver(name)
    assert measured.missing is None
    result = tiny([measured], case).of(name)
    assert result.error is None
    (round_,) = result.good()
    assert round_["count"] > 0
    # So few connections take less memory than that of the process fluctuates, so it may be 0.
    assert case.kind == "memory" or round_[case.field] > 0
    if "histogram" in round_:
        assert 0 < round_["p50_us"] <= round_["p90_us"] <= round_["p99_us"] <= round_["p999_us"]
    if case.kind != "memory":
        assert round_["user_us"] + round_["system_us"] >= 0 and round_["peak"] > 1 << 20


def test_programs_are_claimed_by_the_libraries_of_their_form():
    serving, ring = Case("serving", "ipc", 64), Case("ring", "ipc", 64)
    for name in known():
        library = adapter(name)
        if name.startswith("pyomq") and is_old():
            continue
        assert library.runs(serving) == ("asyncio" in name)
        blocks = name in ("pyzmq", "zmq.green", "pyomq") or name.startswith("zlink")
        assert library.runs(ring) == (blocks and "asyncio" not in name)


def test_libraries_report_their_versions(forkserver):
    assert forkserver("pyzmq").about["libzmq"]
    assert forkserver("zlink-pure").about["build"] == "pure"
    assert forkserver("zlink-backend").about.keys() == forkserver("zlink").about.keys()


def test_settings_reach_the_library():
    found = adapter("zlink@ZLINK_BUSY_POLL=0,ZLINK_OUT_BATCH_SIZE=1")
    assert found.name == "zlink@ZLINK_BUSY_POLL=0,ZLINK_OUT_BATCH_SIZE=1"
    settings = {"ZLINK_BUSY_POLL": "0", "ZLINK_OUT_BATCH_SIZE": "1"}
    assert found.environment == {**adapter("zlink").environment, **settings}
    assert "ZLINK_BUSY_POLL" not in adapter("zlink").environment


def test_cases_of_a_missing_extra_are_left_out(monkeypatch):
    import zlinkcompat
    from bench.adapters.zlink import lacking

    cases = [Case("curve", "tcp", 64), Case("req-rep", "ws", 64), Case("req-rep", "tcp", 64)]
    ours = adapter("zlink")
    assert all(map(ours.runs, cases))
    monkeypatch.setattr(zlinkcompat, "has", lambda name: name not in ("curve", "ws", "wss"))
    lacking.cache_clear()
    try:
        assert [ours.runs(case) for case in cases] == [False, False, True]
        assert ours.about()["without"] == "curve and ws and wss"
    finally:
        lacking.cache_clear()


@pytest.mark.parametrize(
    "name, message",
    [
        ("zmp", "no library 'zmp'"),
        ("zlink@ZLINK_BUSY_POLL", "is not VARIABLE=VALUE"),
    ],
)
def test_unknown_library_name_is_reported(name, message):
    with pytest.raises(ValueError, match=message):
        adapter(name)

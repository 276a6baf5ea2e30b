"""Run pyzmq's example programs that need no second program, on our library.

We leave out programs that fail on libzmq as well:

- gevent/poll.py, gevent/reqrep.py and heartbeat/heartbeater.py send text where bytes are needed;
- asyncio/helloworld passes coroutines to ``asyncio.wait``;
- perf/perf.py thr --poll waits for POLLIN or POLLOUT, and then asserts POLLIN. It fails whenever
  the sink is faster (on libzmq in 5 runs of 5 over 20,000 messages).

We also leave out programs that need more: perf/collect.py needs pandas, asyncio/router_router.py
needs aiowire, mongodb and cython need these packages, draft/ needs a draft build, and
win32-interrupt/ needs a person. monitoring/zmq_monitor_class.py is a module, not a program.

Each program runs monkey-patched, under the runner. It also runs unpatched, as users start it:
through the backend without the runner, and with its import swapped. Without ``--all-programs`` only
a sample runs unpatched.
"""

import pytest

from compat_tests.libraries import OURS
from compat_tests.programs.places import PLAIN, at
from compat_tests.programs.program import Program

pytestmark = [pytest.mark.upstream, pytest.mark.timeout(150, func_only=True)]

ENDING = {
    "examples/poll/pair.py": (r"Finished\.",),
    "examples/poll/pubsub.py": (r"Finished\.",),
    "examples/poll/reqrep.py": (r"Finished\.",),
    "examples/device/device.py": (r"0: \d+", r"Consumer done", r"proxy terminated"),
    "examples/monitoring/simple_monitor.py": (
        "EVENT_LISTENING",
        "EVENT_ACCEPTED",
        "EVENT_DISCONNECTED",
        "EVENT_MONITOR_STOPPED",
        "END",
    ),
    "examples/serialization/serialsocket.py": ("(Okay.*){3}$",),
    "examples/recv_into/discard.py": ("Sending exit", "Exiting"),
    "examples/recv_into/recv_into_array.py": ("received 200 bytes",),
}
SECURE = (
    "grasslands",
    "strawhouse",
    "woodhouse",
    "stonehouse",
    "ironhouse",
    "asyncio-ironhouse",
    "ioloop-ironhouse",
)
ENDLESS = {
    "examples/eventloop/coroutines.py": "recvd.*recvd",
    "examples/asyncio/coroutines.py": "recvd.*recvd",
    "examples/asyncio/tornado_asyncio.py": "Hello.*Hello",
    "examples/logger/zmqlogger.py": "Hello from .*Hello from ",
}


@pytest.mark.parametrize("name", ENDING)
def test_program_runs_to_its_end(start, name, place):
    program = start(OURS, name, **at(place))
    output = program.wait(60)
    for pattern in ENDING[name]:
        program.wait_for(pattern, 1)
    assert "Traceback" not in output
    assert "Failed" not in output


def test_gevent(start, pytestconfig):
    """The places run one after the other, since the ipc path of the program is fixed."""
    for place in (None, *PLAIN) if pytestconfig.getoption("--all-programs") else (None,):
        output = start(OURS, "examples/gevent/simple.py", **at(place)).wait(60)
        assert "received: {'hi': 1234}" in output and "exiting." in output
        assert "Traceback" not in output


@pytest.fixture(scope="module")
def certificates(source):
    with Program(OURS, source / "examples/security/generate_certificates.py") as program:
        program.wait(60)


@pytest.mark.parametrize("name", SECURE)
def test_security(start, certificates, name, place):
    """Each example checks itself that only the permitted clients are accepted."""
    output = start(OURS, f"examples/security/{name}.py", **at(place)).wait(60)
    assert "test OK" in output and "FAIL" not in output and "Traceback" not in output


@pytest.mark.parametrize("name", ENDLESS)
def test_endless_program_prints_its_output(start, name, place):
    program = start(OURS, name, **at(place))
    program.wait_for(ENDLESS[name])
    assert "Traceback" not in program.output


@pytest.mark.parametrize(
    "kind, more",
    [
        ("lat", []),
        ("lat", ["--poll"]),
        ("lat", ["--no-copy"]),
        ("thr", []),
        ("thr", ["--no-copy"]),
    ],
)
def test_perf(start, kind, more, place):
    arguments = (kind, "-n", "2000", "-s", "512", *more)
    output = start(OURS, "perf/perf.py", *arguments, **at(place)).wait(60)
    assert {"lat": "mean latency", "thr": "mean throughput"}[kind] in output
    assert "Traceback" not in output

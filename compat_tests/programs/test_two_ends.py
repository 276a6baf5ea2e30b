"""Run examples of two programs: both on our library, and one of them on real libzmq."""

import pytest

from compat_tests.libraries import OURS, REFERENCE
from compat_tests.programs.places import at

pytestmark = [pytest.mark.upstream, pytest.mark.timeout(150, func_only=True)]
PLACES = list(dict.fromkeys([(OURS, OURS), (OURS, REFERENCE), (REFERENCE, OURS)]))
both_places = pytest.mark.parametrize("server, client", PLACES, ids="-".join)
URL = "tcp://127.0.0.1:5555"


@pytest.mark.parametrize("name", ["echo", "echofuture", "echostream"])
@both_places
def test_eventloop_echo(start, name, server, client):
    program = start(server, f"examples/eventloop/{name}.py")
    assert "echoed 200" in start(client, "client.py", URL, "200").wait()
    assert "Traceback" not in program.output


@both_places
def test_arrays(start, server, client):
    publisher = start(server, "examples/pubsub/publisher.py", "-n", "5", "--size", "300")
    publisher.wait_for("Waiting for subscriber")
    output = start(client, "examples/pubsub/subscriber.py").wait()
    assert "array count: 5" in output
    assert "Done." in publisher.wait()


@both_places
def test_topics(start, server, client):
    url = "tcp://127.0.0.1:5557"
    publisher = start(server, "examples/pubsub/topics_pub.py", url)
    subscriber = start(client, "examples/pubsub/topics_sub.py", url, "sports", "weather")
    subscriber.wait_for(r"sports\.football.*weather.*sports\.general")
    assert "GOOG" not in subscriber.output.split("Receiving")[-1]
    assert "Traceback" not in publisher.output + subscriber.output


def test_ping_and_pong(start):
    # Run only the client on our library. pong.py computes in an endless loop beside a device
    # thread. Monkey-patched, this thread would be a greenlet that never runs.
    pong = start(REFERENCE, "examples/heartbeat/pong.py")
    start(OURS, "examples/heartbeat/ping.py").wait_for(r"ping 8: [\d.]+ ms")
    assert "Traceback" not in pong.output


@pytest.mark.parametrize("first, second", [("latency_echo", "latency"), ("thr_sink", "throughput")])
@both_places
def test_perf_ends(start, source, first, second, server, client):
    def end(library, function):
        return start(library, "perf_end.py", str(source / "perf"), function, URL, "2000", "512")

    far = end(server, first)
    output = end(client, second).wait()
    assert "test time" in output
    assert f"end of {first}" in far.wait()


class TestUnpatched:
    """Both programs run on our library without monkey-patching."""

    @pytest.mark.parametrize("name", ["echo", "echofuture", "echostream"])
    def test_eventloop_echo(self, start, name, entry_point):
        program = start(OURS, f"examples/eventloop/{name}.py", **at(entry_point))
        assert "echoed 200" in start(OURS, "client.py", URL, "200", **at(entry_point)).wait()
        assert "Traceback" not in program.output

    def test_web_server(self, start, entry_point):
        server = start(OURS, "examples/eventloop/asyncweb.py", **at(entry_point))
        server.wait_for(r"\.\.")
        reply = start(REFERENCE, "http_get.py", "http://127.0.0.1:8888/").wait()
        assert "hello to you too, #0" in reply
        assert "Traceback" not in server.output

    def test_arrays(self, start, entry_point):
        publisher = start(
            OURS, "examples/pubsub/publisher.py", "-n", "5", "--size", "300", **at(entry_point)
        )
        publisher.wait_for("Waiting for subscriber")
        output = start(OURS, "examples/pubsub/subscriber.py", **at(entry_point)).wait()
        assert "array count: 5" in output
        assert "Done." in publisher.wait()

    def test_topics(self, start, entry_point):
        url = "tcp://127.0.0.1:5557"
        start(OURS, "examples/pubsub/topics_pub.py", url, **at(entry_point))
        subscriber = start(OURS, "examples/pubsub/topics_sub.py", url, "sports", **at(entry_point))
        subscriber.wait_for(r"sports\.football.*sports\.general")

    def test_ping_and_pong(self, start, entry_point):
        """The device thread of pong.py works although the main thread computes without a pause."""
        pong = start(OURS, "examples/heartbeat/pong.py", **at(entry_point))
        start(OURS, "examples/heartbeat/ping.py", **at(entry_point)).wait_for(r"ping 8: [\d.]+ ms")
        assert "Traceback" not in pong.output

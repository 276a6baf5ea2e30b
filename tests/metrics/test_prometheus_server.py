"""A real Prometheus server can scrape a service."""

import json
import shutil
import socket
import subprocess
import time
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import dashboard
import pytest

from zlinkcompat.metrics import definitions

PROGRAM = shutil.which("prometheus")
PATIENCE = 60  # seconds

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="the prometheus program is not installed; .ci/packages installs it"
)

CONFIGURATION = """
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
scrape_configs:
  - job_name: service
    static_configs:
      - targets: ["{target}"]
"""

SERVICE = """
sink = context.socket(zmq.PULL)
sink.name = "results"
sink.bind("tcp://127.0.0.1:*")
source = context.socket(zmq.PUSH)
source.connect(sink.last_endpoint)
for number in range(7):
    source.send(b"a result")
    sink.recv()
page = metrics.serve()
say(page.url)
wait()
"""


@pytest.fixture
def prometheus(tmp_path):
    """``prometheus(url)`` starts a server that scrapes ``url``, and returns ``ask(query)``."""
    started = []

    def prometheus(url):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        configuration = tmp_path / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(target=url.split("/")[2]))
        log = (tmp_path / "log").open("w+")
        process = subprocess.Popen(
            [
                PROGRAM,
                f"--config.file={configuration}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
            cwd=tmp_path,
        )
        started.append((process, log))

        def ask(query):
            """Repeat a query until it returns series; return these."""
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline and process.poll() is None:
                try:
                    address = f"http://127.0.0.1:{port}/api/v1/query?query={quote(query)}"
                    with urlopen(address, timeout=PATIENCE) as answer:
                        if found := json.load(answer)["data"]["result"]:
                            return found
                except (URLError, ConnectionError):
                    pass  # the server is still starting
                time.sleep(0.05)
            log.seek(0)
            raise AssertionError(log.read())

        return ask

    yield prometheus
    for process, log in started:
        process.kill()
        process.wait()
        log.close()


def test_prometheus_scrapes_a_service(service, prometheus):
    ask = prometheus(service(SERVICE).line())
    (scrape,) = ask("up{job='service'} == 1")
    assert scrape["value"][1] == "1"
    (messages,) = ask("zlinkcompat_socket_messages_total{name='results',direction='in'}")
    assert messages["value"][1] == "7"
    assert messages["metric"]["type"] == "PULL"
    (peer,) = ask("zlinkcompat_peer_info{name='results'}")
    assert peer["metric"]["peer_type"] == "PUSH"
    for query in dashboard.queries():
        # Check that the query is valid. Its result may be empty, for example of "> 0", so add
        # vector(0).
        for name, meaning in (("$job", ".*"), ("$instance", ".*"), ("$__rate_interval", "1m")):
            query = query.replace(name, meaning)
        ask(f"({query}) or vector(0)")
    # Prometheus has every metric, except those without a time series in this service.
    names = {each["metric"]["__name__"] for each in ask("{__name__=~'zlinkcompat_.*'}")}
    everything = {each.sample_name for each in definitions.METRICS}
    assert everything - names == {"zlinkcompat_socket_handshakes_failed_total"}

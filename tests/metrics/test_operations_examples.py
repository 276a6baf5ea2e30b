"""Run the programs of examples/ that the pages about operation explain."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from process import ROOT

from zlinkcompat._cli.control_client import NoAnswer, ask
from zlinkcompat.metrics.definitions import METRICS

EXAMPLES = Path(ROOT) / "examples"
DOCS = Path(ROOT) / "docs"
PATIENCE = 60  # seconds


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    """Let the programs choose their engine themselves, whatever engine this process uses."""
    monkeypatch.delenv("ZLINK_ENGINE", raising=False)


TRACED = """\
charge for a book
charge for a lamp
charge comes from order, in the same trace: True
charge comes from order, in the same trace: True
"""


@pytest.mark.parametrize("start", [[], ["-m", "zlinkcompat"], ["-m", "zlinkcompat", "--no-patch"]])
def test_traces_lead_from_sender_to_receiver(start):
    pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry's SDK is not installed")
    done = subprocess.run(
        [sys.executable, *start, EXAMPLES / "tracing" / "traced_pipeline.py"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=ROOT,
    )
    assert (done.stdout, done.stderr) == (TRACED, "")


def shape(text):
    """Return the lines of a text, with 0 for each number and single spaces between columns."""
    lines = (re.sub(r"[\d,.]+", "0", line).split() for line in text.splitlines())
    return [" ".join(line) for line in lines if line]


def test_find_the_problem_shows_the_real_output(runtime):
    """The page shows the output of ``top`` for the example, except for the numbers."""
    page = (DOCS / "find-the-problem.md").read_text()
    (shown,) = (
        shape(block)
        for block in re.findall(r"```text\n(.*?)```", page, re.DOTALL)
        if "worst" in block
    )
    command = [sys.executable, EXAMPLES / "diagnose" / "stuck_subscriber.py", "100"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as publisher:
        try:
            numbers = re.findall(r"\d+", publisher.stdout.readline())
            pid = int(numbers[0])
            assert pid == publisher.pid
            # Repeat this until the queue is full. The other subscribers may be late for a moment.
            deadline = time.monotonic() + PATIENCE
            while (found := shape(top(pid))) != shown and time.monotonic() < deadline:
                pass
        finally:
            publisher.send_signal(signal.SIGINT)
    assert found == shown


def top(pid):
    """Wait until the process has three peers; return what ``top`` prints."""
    while True:
        try:
            found = ask(pid)
        except NoAnswer:
            continue  # the process is still starting
        if found.count('"connection"') == 3:
            break
    return subprocess.run(
        [sys.executable, "-m", "zlinkcompat", "top", "--once", str(pid)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    ).stdout


def test_metrics_in_the_manual_exist():
    names = {metric.sample_name for metric in METRICS}
    for page in DOCS.rglob("*.md"):
        found = set(re.findall(r"\bzlinkcompat_[a-z_]*[a-z]\b(?!\.)", page.read_text()))
        assert found <= names, page.name

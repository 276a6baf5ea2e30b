"""The benchmark runs end to end, and says so when a peer does not. No time is asserted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import table
from bench.cases import Case, all_cases, chosen
from bench.link import PeerFailed, converse
from bench.run import Series, play_once

ROOT = Path(__file__).resolve().parents[2]


def run_bench(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=50,
    )


def test_a_case_end_to_end(tmp_path):
    file = tmp_path / "out.json"
    done = run_bench(
        "--case", "push-pull/tcp/64B", "--libs", "zmq,zmq", "--rounds", "2", "--seconds", "0.02",
        "--json", str(file),
    )
    assert done.returncode == 0, done.stderr
    assert "push-pull/tcp/64B" in done.stdout and "vs zmq" in done.stdout
    assert ">= 3x" in done.stdout and "libzmq" in done.stdout
    report = json.loads(file.read_text())
    (case,) = report["cases"]
    assert [each["library"] for each in case["libraries"]] == ["zmq", "zmq"]
    for library in case["libraries"]:
        assert len(library["rounds"]) == 2 and library["error"] is None
        assert all(each["sent"] == each["received"] > 0 for each in library["rounds"])
        assert library["median"] > 0
    assert case["ratios"][0]["ratio"] > 0


@pytest.mark.parametrize("case", [
    Case("req-rep", "ipc", 64), Case("req-rep", "inproc", 64), Case("push-pull", "inproc", 64),
    Case("pub-sub", "tcp", 64), Case("dealer-router", "tcp", 64), Case("pair", "tcp", 64),
    Case("memory", "tcp", 20),
], ids=lambda case: case.name)
def test_every_pattern(case):
    result = play_once("zmq", case, 0.02, timeout=20)
    assert result["sent"] == result["received"] > 0


@pytest.mark.parametrize("case", [
    Case("push-pull", "tcp", 1024), Case("req-rep", "tcp", 1024), Case("req-rep", "ipc", 1024),
], ids=lambda case: case.name)
def test_raw_sockets(case):
    result = play_once("raw", case, 0.02, timeout=20)
    assert result["sent"] == result["received"] > 0


@pytest.mark.parametrize("pattern", ["push-pull", "req-rep"])
def test_both_ends_in_greenlets(pattern):
    result = play_once("zmq.green", Case(pattern, "inproc", 64), 0.02, timeout=20)
    assert result["sent"] == result["received"] > 0


def test_a_peer_that_hangs_is_killed_and_named():
    # Nobody connects.
    spec = {
        "library": "zmq", "role": "bind", "pattern": "push-pull", "transport": "tcp", "size": 64,
        "seconds": 0.1, "address": "tcp://127.0.0.1:*",
    }
    with pytest.raises(PeerFailed, match=r"zmq \(bind\) hung"):
        converse([spec], timeout=1)


def test_a_peer_that_dies_gives_its_traceback():
    with pytest.raises(PeerFailed, match="no_such_library"):
        play_once("no_such_library", Case("push-pull", "tcp", 64), 0.1, timeout=20)


def test_a_failure_is_reported_and_the_run_goes_on():
    # Importable, but has no Context.
    done = run_bench(
        "--case", "push-pull/inproc/64B", "--libs", "json,zmq", "--rounds", "1",
        "--seconds", "0.02",
    )
    assert done.returncode == 1
    assert "FAILED" in done.stdout and "AttributeError" in done.stdout
    assert "M/s" in done.stdout


def test_a_missing_library_is_told():
    done = run_bench("--case", "pair", "--libs", "zmq,no_such_library", "--seconds", "0.02",
                     "--rounds", "1")
    assert done.returncode == 1
    assert "no_such_library: not importable" in done.stdout


def series(library, kind, **figures):
    return Series(library, kind, rounds=[figures])


def test_ratios_and_targets():
    trip = Case("req-rep", "tcp", 64, targets=(("zmq", 0.2), ("raw", 2)))
    report = table.Report(["zmq", "raw", "zlinkcompat"], [(trip, [
        series("zmq", "trip", p50_us=100.0, p99_us=200.0),
        series("raw", "trip", p50_us=4.0, p99_us=5.0),
        series("zlinkcompat", "trip", p50_us=15.0, p99_us=30.0),
    ])])
    (row,) = report.rows()
    assert dict(zip(report.headers(), row, strict=True)) == {
        "case": "req-rep/tcp/64B",
        "zmq": "100.0 us (200)", "raw": "4.0 us (5)", "zlinkcompat": "15.0 us (30)",
        "vs zmq": "0.15x", "target": "<= 0.2x", "reached": "yes", "vs raw": "3.75x (<= 2x: no)",
    }


def test_a_column_that_cannot_do_the_case_stays_empty():
    case = Case("push-pull", "tcp", 64)
    report = table.Report(["raw", "zmq"], [(case, [series("zmq", "rate", rate=1e6)])])
    assert report.rows() == [["push-pull/tcp/64B", "-", "1.000 M/s", "-"]]


def test_plain_table():
    lines = table.plain(["case", "zmq"], [["pair", "1 M/s"]]).splitlines()
    assert lines == ["case    zmq", "----  -----", "pair  1 M/s"]


def test_disturbed_rounds_count_only_without_others():
    some = Series("zmq", "trip", noisy=[{"p50_us": 9.0}])
    assert some.median() == 9.0 and some.is_noisy
    some.rounds.append({"p50_us": 5.0})
    assert some.median() == 5.0 and not some.is_noisy


def test_choice_of_cases():
    names = [case.name for case in all_cases()]
    assert len(set(names)) == len(names) == 29
    assert [case.name for case in chosen(["req-rep/*/1KB"])] == [
        "req-rep/tcp/1KB", "req-rep/ipc/1KB", "req-rep/inproc/1KB",
    ]
    assert len(chosen(quick=True)) == 8
    assert len(chosen()) == 28 and len(chosen(memory=True)) == 29

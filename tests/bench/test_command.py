"""Start, end and interrupt ``python -m bench`` as its users do. No time is asserted."""

import json
import os
import re
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bench import agreement, compare, options, phases
from bench.__main__ import main
from bench.cases import Case

LIMIT = 300  # seconds
pytestmark = pytest.mark.timeout(2 * LIMIT)

ROOT = Path(__file__).resolve().parents[2]
TINY = ("--rounds", "2", "--seconds", "0.02")
ONE = ("--case", "push-pull/tcp/64B", "--libs", "pyzmq,zlink", *TINY)


def run_bench(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, **environment},
    )


def test_run_writes_all_its_outputs(tmp_path):
    done = run_bench(
        *ONE,
        "--json",
        str(tmp_path / "a.json"),
        "--markdown",
        str(tmp_path / "a.md"),
        "--report",
        str(tmp_path / "report"),
    )
    assert done.returncode == 0, done.stderr
    assert "push-pull/tcp/64B" in done.stdout and "CPU/message" in done.stdout
    assert "targets" not in done.stdout
    assert "libzmq" in done.stderr and "commit" in done.stderr
    kept = json.loads((tmp_path / "a.json").read_text())
    assert kept["subject"] == "zlink" and kept["libraries"]["pyzmq"]["libzmq"]
    assert [each["library"] for each in kept["cases"][0]["libraries"]] == ["pyzmq", "zlink"]
    assert kept["cases"][0]["ratios"][0]["ratio"] > 0
    assert "| `push-pull/tcp/64B` |" in (tmp_path / "a.md").read_text()
    assert "<table" in (tmp_path / "report" / "index.html").read_text()


def test_regression_is_found_and_strict_fails(tmp_path):
    """A regression is reported, and ``--strict`` then fails.

    The test raises the rates of the earlier run, so that the current run is slower.
    """
    old = tmp_path / "old.json"
    assert run_bench(*ONE, "--json", str(old)).returncode == 0
    compared = (*ONE, "--compare", str(old), "--strict")
    speed_up(old, 1e9)
    done = run_bench(*compared)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "more rounds" in done.stderr and "REGRESSED push-pull/tcp/64B zlink" in done.stdout
    speed_up(old, 1e-18)
    done = run_bench(*compared, "--no-pin")
    assert done.returncode == 0, done.stderr
    assert "old.json is of other settings: pinned True, now False" in done.stderr
    assert re.search(r"^improved push-pull/tcp/64B zlink: ", done.stdout, re.MULTILINE)
    assert "figures compared" in done.stdout


def speed_up(path, factor):
    """Multiply the rates of zlink in the run of ``ONE`` that is stored at ``path``."""
    kept = json.loads(path.read_text())
    zlink = kept["cases"][0]["libraries"][1]
    for each in filter(None, [*zlink["rounds"], *zlink["spoilt"]]):
        each["rate"] *= factor
    path.write_text(json.dumps(kept))


def test_stopped_run_is_resumed(tmp_path):
    path = tmp_path / "run.json"
    some = ("--libs", "zlink", *TINY, "--json", str(path))
    assert run_bench("--case", "pair/tcp/64B", *some).returncode == 0
    kept = json.loads(path.read_text())
    first, before = (kept[name] for name in ("cases", "duration_s"))
    first[0]["libraries"][0]["rounds"].pop()
    path.write_text(json.dumps(kept))
    done = run_bench("--case", "pair/tcp/64B", "--case", "pair/ipc/64B", *some, "--resume")
    assert done.returncode == 0 and "has 1 cases already" in done.stderr
    cases, after = (json.loads(path.read_text())[name] for name in ("cases", "duration_s"))
    assert after > before > 0
    assert [each["case"] for each in cases] == ["pair/tcp/64B", "pair/ipc/64B"]
    rounds = [each["libraries"][0]["rounds"] for each in cases]
    assert [len(each) for each in rounds] == [2, 2]
    assert rounds[0][0] == first[0]["libraries"][0]["rounds"][0]
    steps = re.findall(r"^(round .*)/64B$", done.stderr, re.MULTILINE)
    assert steps == [f"round {number}  pair/{on}" for number in (1, 2) for on in ("tcp", "ipc")]
    other = run_bench(
        "--case",
        "pair/tcp/64B",
        "--libs",
        "zlink",
        "--rounds",
        "1",
        "--seconds",
        "0.02",
        "--json",
        str(path),
        "--resume",
    )
    assert "starting anew" in other.stderr


def ends_of_group(group):
    """Return descriptors of a run's processes; each is readable once its process has ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                found.append(os.pidfd_open(int(stat.parent.name)))
    return found


@pytest.mark.parametrize(
    "number, code, transports",
    [
        (signal.SIGINT, 130, ("tcp", "ipc")),
        (signal.SIGTERM, 143, ("tls", "wss")),  # during the run, the key is on disk
    ],
)
def test_interrupted_run_leaves_only_its_results(number, code, transports, tmp_path):
    done, broken = (f"pair/{each}/64B" for each in transports)
    path = tmp_path / "run.json"
    run = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "bench",
            "--case",
            done,
            "--case",
            broken,
            "--libs",
            "zlink",
            "--rounds",
            "3",
            "--seconds",
            "0.5",
            "--json",
            str(path),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
    )
    try:
        for line in run.stderr:
            if broken in line:
                break
        ends = ends_of_group(run.pid)
        os.killpg(run.pid, number)  # a terminal sends the signal to the group
        out, _ = run.communicate(timeout=LIMIT)
    finally:
        run.kill()
        run.wait()
    assert run.returncode == code
    assert [each["case"] for each in json.loads(path.read_text())["cases"]] == [done]
    if number == signal.SIGINT:
        assert done in out
    assert sorted(each.name for each in tmp_path.iterdir()) == ["run.json"]
    # A round's process whose parent was killed as well may end later than the run.
    for end in ends:
        assert select.select([end], [], [], 30)[0]
        os.close(end)


def test_failure_is_shown_and_the_run_continues():
    libs = "zlink@ZLINK_BATCH_TIME=x,pyzmq"
    done = run_bench("--case", "pair/tcp/64B", "--libs", libs, *TINY)
    assert done.returncode == 1
    assert "FAILED" in done.stdout and "ZLINK_BATCH_TIME='x'" in done.stdout
    assert "M/s" in done.stdout or "k/s" in done.stdout


def test_phases_report_the_effect_of_each_flag():
    done = run_bench("--phases", "--case", "req-rep/tcp/64B", *TINY)
    assert done.returncode == 0, done.stderr
    assert "Phase 0, TCP_NODELAY (ZLINK_TCP_NODELAY), on against off:" in done.stdout
    assert all(f"({flag.variable}), on against off:" in done.stdout for flag in phases.FLAGS)


@pytest.mark.parametrize("factor, word, code", [(1, "agree", 0), (1e9, "DIFFER", 1)])
def test_agreement_with_pyzmqs_own_figures(factor, word, code, tmp_path, monkeypatch, capsys):
    # This program measures as perf.py does. It reports its result, multiplied by ``factor``.
    perf = tmp_path / "perf.py"
    perf.write_text(f"""
import sys, threading, time, zmq
size, count, url = int(sys.argv[3]), int(sys.argv[5]), sys.argv[7]
a, b = zmq.Context.instance().socket(zmq.REQ), zmq.Context.instance().socket(zmq.REP)
b.bind(url)
a.connect(url)
threading.Thread(target=lambda: [b.send(b.recv()) for _ in range(count)], daemon=True).start()
start = time.monotonic()
for _ in range(count):
    a.send(bytes(size))
    a.recv()
print("mean latency :", (time.monotonic() - start) / count * 1e6 / 2 * {factor})
""")
    monkeypatch.setattr(agreement, "CASES", ((Case("req-rep", "tcp", 64), 200),))
    monkeypatch.setattr(agreement, "LIBRARIES", ("pyzmq",))
    monkeypatch.setattr(agreement, "ROUNDS", 3)
    monkeypatch.setitem(agreement.SECONDS, "trip", 0.02)
    # Allow large differences, since the cost of a thread and the load of the machine differ. Only
    # the factor exceeds this limit.
    monkeypatch.setattr(compare, "CHANGE", 1e4)
    assert agreement.main(str(perf)) == code
    assert f": {word}" in capsys.readouterr().out


def test_names_with_settings_are_split():
    assert options.split("pyzmq,zlink@A=1,B=2,raw") == ["pyzmq", "zlink@A=1,B=2", "raw"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--libs", "zmp"), "no library 'zmp'"),
        (("--case", "nothing-like-it"), "no case has such a name"),
        (("--resume",), "--resume needs"),
        (("--strict",), "--strict needs"),
        (("--compare", "no such file"), "No such file"),
        (("--json", "no/such/folder/a.json"), "a.json: cannot be written"),
        (("--markdown", "docs"), "docs: cannot be written"),
        (("--report", "README.md"), "README.md: is a file, not a folder"),
        (("--json", "README.md", "--resume"), "README.md: not the results of"),
        (("--phases", "--libs", "zlink"), "it takes no --libs"),
        (("--rounds", "0"), "invalid positive int"),
        (("--seconds", "-1"), "invalid positive float"),
        (("--crowded", "0"), "invalid positive int"),
        (("--program", "true"), "--program needs two commands"),
        (("--program", "true", "--"), "--program needs two commands"),
        (("--json", "no/such/folder/a.json", "--program", "a", "--", "b"), "cannot be written"),
    ],
)
def test_invalid_command_line_is_reported(arguments, message, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 2 and message in capsys.readouterr().err


@pytest.mark.parametrize("size, count", [((), 32), (("--quick",), 8), (("--full",), 464)])
def test_number_of_cases_in_each_run_size(size, count, capsys):
    assert main([*size, "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == count


def test_bench_runs_under_another_package_name(tmp_path):
    """In a wheel the benchmark is not a top-level package."""
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer" / "__init__.py").write_text("")
    (tmp_path / "outer" / "inner").symlink_to(ROOT / "bench", target_is_directory=True)
    program = "import sys; from outer.inner.__main__ import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, *ONE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "push-pull/tcp/64B" in done.stdout


def test_list_ends_quietly_when_its_reader_closes():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody_reads:
        done = subprocess.run(
            [sys.executable, "-m", "bench", "--full", "--list"],
            cwd=ROOT,
            stdout=nobody_reads,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LIMIT,
        )
    assert done.returncode == 0 and done.stderr == ""


def test_crowded_run_says_so_and_is_not_pinned(tmp_path):
    path = tmp_path / "run.json"
    done = run_bench(*ONE, "--crowded", "2", "--json", str(path))
    assert done.returncode == 0, done.stderr
    assert "not pinned, beside 2 busy processes" in done.stderr
    settings = json.loads(path.read_text())["settings"]
    assert settings["crowded"] == 2 and settings["pinned"] is False


def test_targets_are_printed_only_on_request():
    done = run_bench(*ONE, "--targets")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^push-pull/tcp/64B: >= \d+x (yes|no) \(pyzmq\)", done.stdout, re.MULTILINE)
    assert ">=" not in done.stdout.partition("push-pull/tcp/64B:")[0]


def test_two_programs_of_the_user_are_compared(tmp_path):
    path = tmp_path / "programs.json"
    work = "sum(range(10**6))"
    done = run_bench(
        *("--rounds", "2", "--json", str(path), "--program"),
        *(sys.executable, "-S", "-c", f"[{work} for _ in range(20)]", "--"),
        *(sys.executable, "-S", "-c", work),
    )
    assert done.returncode == 0, done.stderr
    assert "A/B" in done.stdout and "CPU" in done.stdout
    a, b = json.loads(path.read_text())["programs"]
    assert len(a["wall"]) == len(b["cpu"]) == 2 and min(a["cpu"]) > max(b["cpu"])
    assert len(a["syscalls"]) == len(b["syscalls"]) <= 1


@pytest.mark.parametrize(
    "command, message",
    [
        ((sys.executable, "-c", "raise SystemExit('oh dear')"), "ended with 1\noh dear"),
        (("no-such-program",), "No such file"),
        ((sys.executable, "-c", "while True: pass"), "ended with -9"),
    ],
)
def test_failing_program_is_named(command, message):
    limits = ("--rounds", "1", "--timeout", "20" if "-9" not in message else "1")
    done = run_bench(*limits, "--program", *command, "--", "true")
    assert done.returncode == 1
    assert "FAILED A (" in done.stderr and message in done.stderr

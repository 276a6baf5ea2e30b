"""The command ``zlinkcompat`` with a subcommand, and its older form without a subcommand."""

import os
import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from programs import ROOT, python

from zlinkcompat import debug
from zlinkcompat._cli import limits, mixing
from zlinkcompat.version import VERSION

SCRIPT = Path(sys.executable).with_name("zlinkcompat")

PROGRAM = """
import sys
import zmq
print(zmq.Context.__mro__[1].__module__.partition(".")[0], *sys.argv[1:])
"""


def cli(*arguments, **keywords):
    return python("-m", "zlinkcompat", *arguments, **keywords)


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "prog.py"
    path.write_text(PROGRAM)
    return path


# -- the command line --------------------------------------------------------------------------


@pytest.mark.parametrize("command", [(), ("run",)])
def test_program_runs_with_and_without_the_run_command(command, program):
    done = cli(*command, "--no-patch", program, "run", "--version")
    assert (done.returncode, done.stdout) == (0, "zlinkcompat run --version\n"), done.stderr


def test_command_wins_over_a_program_of_the_same_name(tmp_path):
    (tmp_path / "doctor").write_text("print('the program')")
    assert "Versions" in cli("doctor", cwd=tmp_path).stdout
    assert cli("./doctor", cwd=tmp_path).stdout == "the program\n"


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version_lists_our_version_and_dependencies(option):
    done = cli(option)
    assert done.stdout.startswith(f"zlinkcompat {VERSION} (CPython ")
    assert f"pyzmq {version('pyzmq')}, gevent {version('gevent')}" in done.stdout


def test_help_names_every_command():
    printed = cli("--help").stdout
    assert re.findall(r"^  (\w+) ", printed, re.MULTILINE) == ["run", "doctor", "top", "bench"]
    for command in ("run", "doctor"):
        assert f"usage: python -m zlinkcompat {command} " in cli(command, "--help").stdout


def test_no_argument_is_an_error():
    done = cli()
    assert (
        done.returncode == 2 and "one of run, doctor, top, bench, or name a program" in done.stderr
    )


def test_debug_module_has_our_version():
    assert debug.version == VERSION


@pytest.mark.skipif(not SCRIPT.exists(), reason="zlinkcompat is not installed here")
def test_console_script_is_the_same_command(program, tmp_path):
    def script(*arguments):
        return python(SCRIPT, *arguments)

    assert script("run", program, "one").stdout == "zlinkcompat one\n"
    assert script("doctor", "--help").stdout.startswith("usage: zlinkcompat doctor ")
    program.write_text("1 / 0")
    trace = script("run", program).stderr
    assert trace.splitlines()[1] == f'  File "{program}", line 1, in <module>'


# -- doctor ------------------------------------------------------------------------------------


def doctor(*arguments, **variables):
    """Return the lines of ``doctor``'s report, and its advice."""
    done = cli("doctor", *arguments, **{"ZLINKCOMPAT_PURE": "1", **variables})
    assert done.stderr == ""
    report, _, advice = done.stdout.partition("\nWhat to do\n")
    assert (done.returncode == 0) == (advice == "  Nothing: no problem was found.\n")
    return re.sub(" +", " ", report), advice


def test_doctor_names_versions_build_and_engine():
    report, _ = doctor()
    for line in (
        f" zlinkcompat {VERSION}",
        f" pyzmq {version('pyzmq')}",
        f" compiled modules 0 of {len(debug.compiled_modules())}",
        " ZLINKCOMPAT_PURE 1: the pure-Python fallback was asked for",
        " a plain program thread engine",
        " after patch_all() hub engine, because threading is monkey-patched",
    ):
        assert f"\n{line}\n" in report


def test_doctor_names_the_engine_that_the_environment_asks_for():
    report, _ = doctor(ZLINK_ENGINE="hub")
    assert "\n every program hub engine, because ZLINK_ENGINE says so\n" in report


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("ZLINK_ENGINE", "fast", "ZLINK_ENGINE='fast': must be hub, thread or auto"),
        ("ZLINK_ENGIN", "hub", "ZLINK_ENGIN='hub' has no effect: did you mean ZLINK_ENGINE?"),
        ("ZMQ_ASIO_WRITE_BATCHING", "much", "ZMQ_ASIO_WRITE_BATCHING"),
    ],
)
def test_doctor_finds_mistakes_in_the_environment(name, value, advice):
    assert advice in doctor(**{name: value})[1]


def test_doctor_finds_mixed_imports(tmp_path):
    (tmp_path / "ours.py").write_text("import zlinkcompat as zmq")
    (tmp_path / "theirs.py").write_text("def f():\n    from zmq.green import Context")
    (tmp_path / "neither.py").write_text("import zmqfoo; this is not Python")
    report, advice = doctor(tmp_path)
    assert f"\n imports zmq {tmp_path / 'theirs.py'}\n" in report
    assert "Some files import zmq and others zlinkcompat" in advice
    report, advice = doctor(tmp_path, PYZMQ_BACKEND="zlinkcompat.backend")
    assert "cannot be mixed" not in advice


def test_relative_import_does_not_count_as_zmq(tmp_path):
    path = tmp_path / "one.py"
    path.write_text("from . import zmq\nfrom .zmq import Context\nimport json, zlinkcompat.green")
    assert mixing.imports([tmp_path]) == ([path], [])


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_cpu_quota_of_both_cgroup_versions(files, quota, tmp_path):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert limits.cpu_quota(tmp_path) == quota
    told = limits.cpus(tmp_path)
    assert ("fewer than two CPUs" in told.advice) == (
        min(quota or 2, len(os.sched_getaffinity(0))) < 2
    )


def test_doctor_warns_about_few_file_descriptors():
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        told = limits.descriptors()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert told.value.startswith("1024 ") and "ulimit -n" in told.advice


# -- bench -------------------------------------------------------------------------------------


def test_bench_takes_the_options_of_the_benchmark():
    done = cli("bench", "--list", "--case", "push-pull/tcp/64B", cwd=ROOT.parent)
    assert done.stdout == "push-pull/tcp/64B\n", done.stderr


def test_bench_names_its_missing_packages(monkeypatch):
    from zlinkcompat._cli import bench

    monkeypatch.setattr(bench, "NEEDED", ("sys", "no_such_module"))
    with pytest.raises(SystemExit, match=r"no_such_module.*pip install 'zlinkcompat\[bench\]'"):
        bench.main([], "zlinkcompat bench")

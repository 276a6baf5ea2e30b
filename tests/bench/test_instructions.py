"""``python -m bench.instructions`` parses callgrind's files and prints a table."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import instructions
from zlinkcompat import debug

ROOT = Path(__file__).resolve().parents[2]
SEND = "__pyx_pw_11zlinkcompat_8_backend_6socket_6Socket_27send"
EMPTY = "__pyx_pw_11zlinkcompat_7routing_7pattern_5Owner_1on_readable"
DUMP = f"""
version: 1
summary: 100

fl=loop.c
fn=loop
3 10
cfi=socket.c
cfn={SEND}
calls=4 20
5 80
fl=socket.c
fn={SEND}
20 60
cfn=__memcpy_fast
calls=4 0
21 20
"""
EMPTY_DUMP = f"fn=loop\n1 7\ncfn={EMPTY}\ncalls=2 0\n1 10\n"


def test_costs_are_given_with_and_without_called_functions():
    profile = instructions.Profile(DUMP)
    assert profile.own == {"loop": 10, SEND: 60}
    assert profile.per_call(instructions.METHOD) == 20
    assert profile.per_call(re.compile("nothing")) == 0
    assert list(instructions.dearest(profile, 1)) == ["     15.0  _backend_6socket_6Socket_27send"]


def test_row_contains_the_minimum_cost_of_its_call():
    found = {
        "push-pull": instructions.Profile(DUMP),
        instructions.FLOOR: instructions.Profile(EMPTY_DUMP),
    }
    # The empty call and the copy cost 5 each, and are subtracted.
    assert list(instructions.rows(found)) == [("push-pull", "PUSH", "send", 20, 10)]
    assert "| `push-pull` | PUSH | `send` | 20 | 10 | 2.0x |" in instructions.table(found)


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "bench.instructions", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=instructions.LIMIT,
        env={**os.environ, **environment},
    )


@pytest.mark.timeout(instructions.LIMIT)
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.skipif(not debug.build_info()["compiled"], reason="only compiled calls are counted")
@pytest.mark.parametrize("engine", ["hub", "thread"])
def test_instructions_of_a_pattern_are_counted(engine):
    done = run("--engine", engine, "--pattern", "push-pull", "--functions", "2")
    assert done.returncode == 0, done.stderr
    costs = re.findall(
        r"^\| `push-pull` \| (\w+) \| `(\w+)` \| ([\d,]+) \|", done.stdout, re.MULTILINE
    )
    assert [each[:2] for each in costs] == [("PUSH", "send"), ("PULL", "recv")]
    # Check the order of magnitude: a wrong sum would include the whole program.
    assert all(100 < int(cost.replace(",", "")) < 20_000 for *_, cost in costs)


def test_missing_valgrind_is_reported(tmp_path):
    done = run(PATH=str(tmp_path))
    assert done.returncode == 1 and "valgrind" in done.stderr
    assert "Traceback" not in done.stderr


def test_count_is_at_least_one_burst():
    done = run("--count", "1")
    assert done.returncode == 2 and "one burst" in done.stderr

"""Follows start.md as a new user would, step by step: ``tox -e start``.

In a fresh clone of the last commit and a fresh environment: each command as it stands, the page's
program on libzmq and by each door. Fails where something is printed that the page does not say, or
takes longer than the page says: by the clock, or where others use the machine, by the CPU.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
BLOCK = re.compile(r"^```(python|text|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: Seconds that the page names, by a word of the step; the first is that of all but the measurement.
TIMES = {"Five minutes": 300, "install -e": 120, "bench": 60 + 120}


def settings(clone):
    """A new user's: ``python`` is the environment's, nothing else is set."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ZLINK", "ZMQ_", "PYZMQ", "PYTHON", "VIRTUAL_ENV"))
    }
    outside = [
        each for each in os.environ["PATH"].split(":") if not Path(each, "activate").exists()
    ]
    return {**kept, "PATH": ":".join([f"{clone}/.venv/bin", *outside])}


def spent():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def step(command, clone):
    """Run it, and tell how long it took; returns that and what it printed."""
    clock, cpu = time.monotonic(), spent()
    done = subprocess.run(
        ["bash", "-ec", command], cwd=clone, env=settings(clone), text=True, stdout=subprocess.PIPE
    )
    clock, cpu = time.monotonic() - clock, spent() - cpu
    took = min(clock, cpu)
    print(f"{clock:6.1f} s, {cpu:6.1f} s of CPU  {command}", flush=True)
    if done.returncode:
        sys.exit(f"it failed, with {done.returncode}")
    for word, seconds in TIMES.items():
        if word in command and took > seconds:
            sys.exit(f"the page says {seconds} s")
    return took, done.stdout


def follow(clone):
    whole, said, program = 0, None, ""
    blocks = BLOCK.findall((HERE / "start.md").read_text())
    expected = "".join(text for kind, text in blocks if kind == "text")
    for kind, text in blocks:
        if kind == "python":
            program = text
            before = re.sub(r"^.*# (import zmq)$", r"\1", text, count=1, flags=re.MULTILINE)
            assert before != program
            (clone / "package").mkdir()
            (clone / "package/__init__.py").touch()
            for name in "service.py", "package/module.py":
                (clone / name).write_text(before)
            (clone / "swapped.py").write_text(program)
            commands = ["python service.py", "python swapped.py"]
        elif kind == "console":
            commands = [line.split("  #")[0] for line in text.splitlines()]
        else:
            commands = []
        for command in commands:
            took, said = step(command, clone)
            whole += 0 if "bench" in command else took
            if "build_info" in command:
                assert said == "True\n", said
            elif re.search(r"(service|swapped)\.py|package\.module", command):
                assert said == expected, said
    print(f"{whole:6.1f} s  in all, without the measurement")
    if whole > TIMES["Five minutes"]:
        sys.exit("the page says five minutes")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "zlinkcompat")
        subprocess.run(["git", "clone", "-q", HERE.parent, clone], check=True)
        follow(clone)

"""Follow docs/start.md as a new user would: part of ``tox -e build``.

Clone the last commit into an empty folder and run each command of the page there, in order. Each
program must print what the page says, on libzmq and through each entry point.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(python|text|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def environment(clone):
    """Return a new user's environment: only the clone's virtual environment is active."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ZLINK", "ZMQ_", "PYZMQ", "PYTHON", "VIRTUAL_ENV"))
    }
    outside = [
        each for each in os.environ["PATH"].split(":") if not Path(each, "activate").exists()
    ]
    return {**kept, "PATH": ":".join([f"{clone}/.venv/bin", *outside])}


def run(command, clone):
    """Run one command of the page and return what it printed.

    Installs run in the clone, and programs in the folder beside it, as a user may save them there.
    """
    installs = command.startswith(("python3 -m venv", "source", "pip"))
    print("$", command, flush=True)
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=clone if installs else clone.parent,
        env=environment(clone),
        text=True,
        stdout=subprocess.PIPE,
    )
    # doctor's exit code says whether this machine could be improved.
    if done.returncode and command != "zlinkcompat doctor":
        sys.exit(f"the command failed with exit code {done.returncode}")
    return done.stdout


def write_programs(text, folder):
    """Save the program as printed (``swapped.py``) and on ``import zmq`` (``service.py``)."""
    before = re.sub(r"^.*# (import zmq)$", r"\1", text, count=1, flags=re.MULTILINE)
    assert before != text, "the program does not name the line that it replaces"
    (folder / "package").mkdir()
    (folder / "package/__init__.py").touch()
    for name in "service.py", "package/module.py":
        (folder / name).write_text(before)
    (folder / "swapped.py").write_text(text)


def follow(clone):
    """Run every command of the page in ``clone``."""
    blocks = BLOCK.findall((ROOT / "docs/start.md").read_text())
    expected = "".join(text for kind, text in blocks if kind == "text")
    for kind, text in blocks:
        commands = []
        if kind == "python":
            write_programs(text, clone.parent)
            commands = ["python swapped.py"]
        elif kind == "console":
            commands = [line.split("  #")[0] for line in text.splitlines()]
        for command in commands:
            printed = run(command, clone)
            if re.search(r"(service|swapped)\.py|package\.module", command):
                assert printed == expected, printed


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "zlinkcompat")
        subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
        follow(clone)

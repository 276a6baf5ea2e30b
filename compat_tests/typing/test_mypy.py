"""``mypy --strict`` of a program: the same for ``import zmq`` and for the swapped import."""

import pathlib
import re
import subprocess
import sys

import pytest
import zmq

import zlinkcompat
from compat_tests.upstream.swapped import rewritten

HERE = pathlib.Path(__file__).parent
STUBS = pathlib.Path(zlinkcompat.__file__).parents[1] / "zlinkcompat-stubs"
WRONG = [
    ("sock.send('text')", "call-overload"),
    ("sock.recv() + 'text'", "operator"),
    ("context.socket('PUSH')", "arg-type"),
    ("zmq.has(7)", "arg-type"),
    ("zmq.no_such_name", "attr-defined"),
]


def mypy(source, tmp_path):
    pytest.importorskip("mypy", reason="the tox environment typing has it")
    program = tmp_path / "program.py"
    program.write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path / 'cache'}", program],
        capture_output=True, text=True, cwd=tmp_path,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(params=["zmq", "zlinkcompat"])
def swap(request):
    """swap(source): its imports are those of one library."""
    return rewritten if request.param == "zlinkcompat" else str


def test_a_program_passes(swap, tmp_path):
    code, said = mypy(swap((HERE / "sample.py").read_text()), tmp_path)
    assert code == 0, said


def test_what_is_wrong_is_told(swap, tmp_path):
    """So the types are real ones, not Any."""
    source = "import zmq\ncontext = zmq.Context()\nsock = context.socket(zmq.PUSH)\n"
    code, said = mypy(swap(source + "".join(line + "\n" for line, _ in WRONG)), tmp_path)
    found = re.findall(r": error: .*\[([\w-]+)\]$", said, re.M)
    assert code == 1 and found == [kind for _, kind in WRONG], said


def public_modules():
    folder = pathlib.Path(zmq.__file__).parent
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts and parts[0] not in ("backend", "tests", "cython"):
            if not any(part.startswith("_") for part in parts):
                yield parts


@pytest.mark.parametrize("parts", list(public_modules()), ids=".".join)
def test_every_public_module_of_the_installed_pyzmq_has_its_stub(parts):
    if not STUBS.is_dir():
        pytest.skip("not a checkout")
    path = STUBS.joinpath(*parts)
    assert path.with_suffix(".pyi").is_file() or (path / "__init__.pyi").is_file()

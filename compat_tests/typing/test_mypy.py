"""``mypy --strict`` gives the same result for ``import zmq`` and for the swapped import."""

import importlib
import pathlib
import re
import subprocess
import sys
import types

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
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(params=["zmq", "zlinkcompat"])
def swap(request):
    """``swap(source)`` returns the source with the imports of one library."""
    return rewritten if request.param == "zlinkcompat" else str


#: Names that only zlinkcompat has.
OWN = """
import zlinkcompat as zmq
from zlinkcompat import debug, metrics, sockopt, tuning

def look(socket: zmq.Socket[bytes]) -> int:
    socket.setsockopt(sockopt.WS_TEXT, 1)
    socket.setsockopt(tuning.BATCH_TIME, 50)
    found: str = debug.connections(socket)[0]["endpoint"]
    print(found, str(debug.dump()), debug.counters(socket)["bytes_copied"], debug.build_info())
    return tuning.get("batch_time") + debug.zmq_debug_get_zerocopy_count()

def oldest() -> float:
    with metrics.serve(0) as page:
        text: str = page.url + metrics.render()
    peers: list[metrics.PeerRecord] = [
        peer for socket in metrics.snapshot().sockets for peer in metrics.worst_first(socket.peers)
    ]
    print(text, sum(peer.drops.get("hwm", 0) for peer in peers))
    return max((peer.oldest_waiting for peer in peers), default=0.0)
"""


def test_names_only_zlinkcompat_has_are_typed(tmp_path):
    code, said = mypy(OWN, tmp_path)
    assert code == 0, said


def test_correct_program_passes(swap, tmp_path):
    code, said = mypy(swap((HERE / "sample.py").read_text()), tmp_path)
    assert code == 0, said


def test_wrong_types_are_reported(swap, tmp_path):
    """Wrong arguments are reported, which shows that the types are not Any."""
    source = "import zmq\ncontext = zmq.Context()\nsock = context.socket(zmq.PUSH)\n"
    code, said = mypy(swap(source + "".join(line + "\n" for line, _ in WRONG)), tmp_path)
    found = re.findall(r": error: .*\[([\w-]+)\]$", said, re.MULTILINE)
    assert code == 1 and found == [kind for _, kind in WRONG], said


def public_modules():
    folder = pathlib.Path(zmq.__file__).parent
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts and parts[0] not in ("backend", "tests", "cython"):
            if not any(part.startswith("_") for part in parts):
                yield parts


def public_names():
    """Yield (module, name) for each public name that pyzmq itself defines, and does not import."""
    for parts in [(), *public_modules()]:
        for name, value in sorted(vars(importlib.import_module(".".join(("zmq", *parts)))).items()):
            theirs = (getattr(value, "__module__", None) or "zmq").startswith("zmq")
            if theirs and not name.startswith("_") and not isinstance(value, types.ModuleType):
                yield parts, name


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # two of the modules cause it
def test_every_name_typed_in_pyzmq_is_typed_here(tmp_path):
    pytest.importorskip("tornado", reason="the tox environment typing has it")
    names = list(public_names())
    untyped = {}
    for root in ("zmq", "zlinkcompat"):
        lines = (
            f"from {'.'.join((root, *parts))} import {name} as _{number}\n"
            for number, (parts, name) in enumerate(names)
        )
        _, said = mypy("".join(lines), tmp_path)
        untyped[root] = {
            int(line) for line in re.findall(r"^\S+?:(\d+): error", said, re.MULTILINE)
        }
    here_alone = untyped["zlinkcompat"] - untyped["zmq"]
    assert len(untyped["zmq"]) < len(names) / 2
    assert not [names[line - 1] for line in sorted(here_alone)]


@pytest.mark.parametrize("parts", list(public_modules()), ids=".".join)
def test_every_public_module_of_pyzmq_has_a_stub(parts):
    if not STUBS.is_dir():
        pytest.skip("not a checkout")
    path = STUBS.joinpath(*parts)
    assert path.with_suffix(".pyi").is_file() or (path / "__init__.pyi").is_file()

"""Tracebacks show the source of our compiled functions, whatever the working directory is."""

import itertools
import linecache
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import zlinkcompat as zmq

PACKAGE = os.path.realpath(os.path.dirname(zmq.__file__))


def frames_of_a_failed_receive():
    with zmq.Context() as context, context.socket(zmq.PULL) as sock:
        sock.rcvtimeo = 1
        try:
            sock.recv()
        except zmq.Again as error:
            return traceback.extract_tb(error.__traceback__)


def test_traceback_frames_name_existing_files():
    ours = frames_of_a_failed_receive()[1:]
    assert len(ours) >= 2
    for frame in ours:
        assert os.path.isabs(frame.filename)
        assert os.path.realpath(frame.filename).startswith(PACKAGE + os.sep)
        assert frame.line == linecache.getline(frame.filename, frame.lineno).strip()


@pytest.mark.parametrize("own_folder", [True, False])
def test_printed_traceback_shows_our_source(own_folder, tmp_path):
    """A traceback that the interpreter itself prints shows our source lines.

    The interpreter has rules of its own for finding the files.
    """
    program = tmp_path / "program.py"
    program.write_text(
        "import zlinkcompat as zmq\n"
        "sock = zmq.Context().socket(zmq.PULL)\n"
        "sock.rcvtimeo = 1\n"
        "sock.recv()\n"
    )
    root = str(Path(PACKAGE).parent)
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=root if own_folder else tmp_path,
        env=dict(os.environ, PYTHONPATH=root),
        capture_output=True,
        text=True,
    )
    lines = done.stderr.splitlines()
    shown = {}
    for place, text in itertools.pairwise(lines):
        if place.lstrip().startswith("File ") and "zlinkcompat" in place:
            name, number = place.split('"')[1], int(place.split("line ")[1].split(",")[0])
            shown[name, number] = text.strip()
    assert len(shown) >= 2
    for (name, number), text in shown.items():
        assert text == Path(name).read_text().splitlines()[number - 1].strip()

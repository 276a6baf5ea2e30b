"""Each example starts with what it shows and how to start it. That they run as printed, on both
libraries, ``compat_tests/programs/test_patterns.py`` shows; those that speak ``ws``, which pyzmq's
wheel does not, run in a browser, by ``compat_tests/interop``."""

import ast

import pytest
from test_pages import ROOT

EXAMPLES = ROOT / "examples"
PROGRAMS = sorted(path for path in EXAMPLES.rglob("*.py") if "node_modules" not in path.parts)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_example_starts_with_its_purpose_and_command(path):
    shows, *more = ast.get_docstring(ast.parse(path.read_text()), clean=False).split("\n\n")
    assert shows.endswith((".", ")")) and len(shows) > 40
    started = [
        line.split("#")[0].split()
        for part in more
        for line in part.splitlines()
        if line.startswith("    python ")
    ]
    # The command works from the example's own folder, or from the checkout.
    assert started and all(
        (path.parent / words[1]).samefile(path)
        if "/" not in words[1]
        else (ROOT / words[1]).samefile(path)
        for words in started
    )

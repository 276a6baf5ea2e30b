"""Each example starts with a docstring that says what it shows and how to start it.

``compat_tests/programs/test_patterns.py`` runs the examples on both libraries. Examples that use
``ws``, which pyzmq's wheel does not support, are run in a browser by ``compat_tests/interop``.
"""

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
    # The command has to work in the folder of the example, or in the checkout.
    assert started and all(
        (path.parent / words[1]).samefile(path)
        if "/" not in words[1]
        else (ROOT / words[1]).samefile(path)
        for words in started
    )

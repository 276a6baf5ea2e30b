"""Docstrings: every public name has one, and their examples run. Which sections and parameters are
in them, ``interrogate`` (``tox -e lint``) and numpydoc (``tox -e docs``) look at."""

import doctest
import gc
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from test_pages import ROOT

import zlinkcompat as zmq
import zlinkcompat.asyncio
import zlinkcompat.green
from zlinkcompat import debug

SURFACE = Path(zmq.__file__).parent
SOURCES = [*SURFACE.glob("*.py"), *SURFACE.glob("green/*.py")]
EXAMPLES = sorted(
    ".".join(each.relative_to(SURFACE).with_suffix("").parts)
    for each in SOURCES
    if "\n    >>> " in each.read_text()
)
CLASSES = [
    getattr(module, name)
    for module in (zmq, zlinkcompat.asyncio, zlinkcompat.green)
    for name in ("Context", "Socket", "Poller")
] + [zmq.Frame, zmq.MessageTracker]


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_print_what_they_say(name):
    gc.collect()  # contexts of tests before, which dump() would tell of
    done = doctest.testmod(import_module(f"zlinkcompat.{name}"))
    assert done.attempted
    assert not done.failed


@pytest.mark.parametrize("thing", [*CLASSES, zmq, debug], ids=repr)
def test_every_public_name_says_what_it_does(thing):
    # pyzmq's own socket_type, which warns that it is old, has none.
    names = [name for name in dir(thing) if not name.startswith("_") and name != "socket_type"]
    found = [(name, getattr(thing, name)) for name in names]
    assert [
        name
        for name, value in found
        if (callable(value) or isinstance(value, property)) and not value.__doc__
    ] == []


API = (ROOT / "docs" / "api.md").read_text()
HIDDEN = set(re.findall(r"\w+", " ".join(re.findall(r":exclude-members: (.*)", API))))


def published():
    """The names of pyzmq's shape in docs/api.md whose docstrings are ours, with these."""
    for path in re.findall(r"auto(?:class|function):: ([\w.]+)", API):
        module, _, name = path.rpartition(".")
        thing = getattr(import_module(module), name)
        yield path, thing
        for name in dir(thing) if isinstance(thing, type) else ():
            member = getattr(thing, name)
            own = str(getattr(member, "__module__", None) or "").startswith("zlinkcompat")
            if own and not name.startswith("_") and name not in HIDDEN:
                yield f"{path}.{name}", member


@pytest.mark.parametrize(
    ("path", "thing"), [pytest.param(*each, id=each[0]) for each in published()]
)
def test_a_docstring_says_whose_rule_it_is_and_the_errno(path, thing):
    said = inspect.getdoc(thing)
    assert re.search(r"libzmq|RFC|pyzmq|As of :", said)
    errors = said.partition("Raises\n------\n")[2].partition("\n\n")[0]
    if "ZMQError" in errors:
        assert re.search(r"\bE[A-Z]{3,}\b|As (of )?:", errors)

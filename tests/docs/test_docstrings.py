"""Every public name has a docstring, and the examples in docstrings run.

``interrogate`` (``tox -e lint``) and numpydoc (``tox -e docs``) check the sections and parameters.
"""

import doctest
import gc
from importlib import import_module
from pathlib import Path

import pytest

import zlinkcompat as zmq
import zlinkcompat.asyncio
import zlinkcompat.green
from zlinkcompat import debug, metrics

SURFACE = Path(zmq.__file__).parent
SOURCES = [
    path
    for folder in (".", "debug", "green", "metrics")
    for path in SURFACE.joinpath(folder).glob("*.py")
]
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
def test_examples_print_the_documented_output(name):
    gc.collect()  # collect contexts of earlier tests, which dump() would report
    done = doctest.testmod(import_module(f"zlinkcompat.{name}"))
    assert done.attempted
    assert not done.failed


@pytest.mark.parametrize("thing", [*CLASSES, zmq, debug, metrics], ids=repr)
def test_every_public_name_has_a_docstring(thing):
    # Leave out socket_type, a deprecated name of pyzmq that does not have a docstring.
    names = [name for name in dir(thing) if not name.startswith("_") and name != "socket_type"]
    found = [(name, getattr(thing, name)) for name in names]
    assert [
        name
        for name, value in found
        if (callable(value) or isinstance(value, property)) and not value.__doc__
    ] == []

"""Swap the import: rewrite the import statements of copied tests, and nothing else."""

import re

_PLAIN = re.compile(r"^(\s*)import zmq([ \t]*(?:#.*)?)$", re.MULTILINE)
_DOTTED = re.compile(r"^(\s*)import zmq\.([\w.]+)([ \t]*(?:#.*)?)$", re.MULTILINE)
_NAMED = re.compile(r"^(\s*)import zmq((?:\.\w+)*) as (\w+)", re.MULTILINE)
_FROM = re.compile(r"^(\s*)from zmq((?:\.\w+)*) import\b", re.MULTILINE)


def rewritten(source):
    """Return ``source`` (Python text) with each import of ``zmq`` replaced by ``zlinkcompat``."""
    source = _PLAIN.sub(r"\1import zlinkcompat as zmq\2", source)
    source = _DOTTED.sub(r"\1import zlinkcompat as zmq, zlinkcompat.\2\3", source)
    source = _NAMED.sub(r"\1import zlinkcompat\2 as \3", source)
    return _FROM.sub(r"\1from zlinkcompat\2 import", source)


def rewrite(folder):
    """Rewrite all Python files in ``folder`` (pathlib.Path) and its subfolders."""
    for file in folder.rglob("*.py"):
        file.write_text(rewritten(file.read_text()))

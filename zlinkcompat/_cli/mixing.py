"""Detection of programs that import both zmq and zlinkcompat, whose sockets cannot be mixed."""

from __future__ import annotations

import ast
import re
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def dependents() -> list[Any]:
    """Return the names of installed distributions that depend on pyzmq, except our own."""
    found = set()
    for each in distributions():
        for requirement in each.requires or ():
            name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
            if name.lower() == "pyzmq" and "extra ==" not in requirement:
                found.add(each.metadata["Name"])
    return sorted(found - {"zlinkcompat"}, key=str.lower)


def sources(paths: list[Path | str]) -> Iterator[Any]:
    """Yield the Python files among files and folders."""
    for path in map(Path, paths):
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def packages(source: str) -> Iterator[Any]:
    """Yield the top-level names that the program text ``source`` imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


def imports(paths: Any) -> Any:
    """Return two lists: the files that import zlinkcompat, and the files that import zmq.

    A file that cannot be parsed is in neither list."""
    ours, theirs = [], []
    for path in sources(paths):
        try:
            names = set(packages(path.read_text(encoding="utf-8")))
        except (OSError, SyntaxError, ValueError):
            continue
        ours += [path] * ("zlinkcompat" in names)
        theirs += [path] * ("zmq" in names)
    return ours, theirs

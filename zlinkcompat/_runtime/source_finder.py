"""Support for ``ZLINKCOMPAT_PURE=1``: run the source even if compiled extensions lie beside it."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


class SourceFinder:
    """Finds the ``.py`` files of our modules before Python's own finder finds the extensions."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if not name.startswith("zlinkcompat.") or path is None:
            return None
        leaf = name.rpartition(".")[2]
        for folder in path:
            source = os.path.join(folder, leaf + ".py")
            if os.path.isfile(source):
                return spec_from_file_location(name, source, loader=SourceFileLoader(name, source))
        return PathFinder.find_spec(name, path, target)


def install_if_asked() -> None:
    """Install the finder if the environment asks for it. Repeated calls have no effect."""
    if os.environ.get("ZLINKCOMPAT_PURE") == "1" and SourceFinder not in sys.meta_path:
        sys.meta_path.insert(0, SourceFinder)

"""Import hooks for pyzmq's submodules: ``zlinkcompat.devices`` for ``zmq.devices``, and so on.

Most of pyzmq is Python code that imports its classes from ``zmq``. A counterpart is the source of
the installed pyzmq, executed once more with ``zlinkcompat`` in place of ``zmq``. A module that
uses no class of the core is an alias of pyzmq's module. A module that this package has a file for
is loaded from that file.
"""

from __future__ import annotations

import builtins
import os
import sys
from importlib import import_module
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import find_spec, spec_from_file_location
from types import CodeType, ModuleType
from typing import Any

PACKAGE = "zlinkcompat"

#: Modules without a class of the core. Packages are not listed, because they hold counterparts.
ALIASED = frozenset({
    "_typing", "auth.certs", "constants", "error", "eventloop.ioloop", "ssh.forward",
    "ssh.tunnel", "utils.garbage", "utils.interop", "utils.jsonapi", "utils.strtypes",
    "utils.win32", "utils.z85",
})  # fmt: skip

#: First parts of names without a counterpart: libzmq's bindings, and our own modules.
NOT_MIRRORED = frozenset({"_version", "backend"})

#: The modules of ``zmq.green``, which one module of ours replaces on the backend.
GREEN = frozenset({"zmq.green.core", "zmq.green.device", "zmq.green.poll"})


class SubmoduleFinder:
    """Finds pyzmq modules that this package has no file for. Python asks this finder last."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        package, _, rest = name.partition(".")
        if package != PACKAGE or not rest or rest.partition(".")[0] in NOT_MIRRORED:
            return None
        try:
            original = find_spec("zmq." + rest)
        except ModuleNotFoundError:
            return None
        if original is None or original.origin is None:
            return None
        if isinstance(original.loader, ExtensionFileLoader):
            # The module is compiled for libzmq. Its source lies beside the extension.
            source = os.path.join(os.path.dirname(original.origin), rest.rpartition(".")[2] + ".py")
            original = spec_from_file_location(original.name, source)
            assert original is not None  # as for any .py file
        loader: Any  # a Loader by its methods: importlib.abc is slow to import
        if rest in ALIASED:
            loader = AliasLoader(original)
        elif rest.partition(".")[0] == "sugar":
            loader = OverlayLoader(original)
        else:
            loader = RewritingLoader(original)
        spec = ModuleSpec(name, loader, origin=original.origin)
        if original.submodule_search_locations is not None:
            # Leave pyzmq's folder out: Python would load its files unchanged.
            spec.submodule_search_locations = []
        return spec


class GreenFinder:
    """Finds the modules of ``zmq.green`` on the backend. Python asks this finder first."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name in GREEN:
            loader: Any = AliasLoader(ModuleSpec("zlinkcompat.green.backend", None))
            return ModuleSpec(name, loader)
        return None


class SubmoduleLoader:
    """Loads a counterpart of the module that ``original`` (ModuleSpec) finds."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def create_module(self, spec: ModuleSpec) -> None:
        return None


class AliasLoader(SubmoduleLoader):
    """Loads pyzmq's module itself."""

    def exec_module(self, module: ModuleType) -> None:
        # The import system returns the module that it finds here.
        sys.modules[module.__name__] = import_module(self.original.name)


class OverlayLoader(SubmoduleLoader):
    """Loads pyzmq's names, and replaces those that this package has itself."""

    def exec_module(self, module: ModuleType) -> None:
        ours = import_module(PACKAGE)
        for name, value in vars(import_module(self.original.name)).items():
            if not name.startswith("__") or name == "__all__":
                if isinstance(value, ModuleType) and value.__name__.partition(".")[0] == "zmq":
                    value = import_module(PACKAGE + value.__name__[3:])
                elif name in ours.__all__:
                    value = getattr(ours, name)
                setattr(module, name, value)


class RewritingLoader(SubmoduleLoader):
    """Executes pyzmq's source with this package in place of ``zmq``."""

    def exec_module(self, module: Any) -> None:
        code = self.original.loader.get_code(self.original.name)
        module.__file__ = self.original.origin
        # Python looks up ``__import__`` in the module's builtins, even when functions run later.
        module.__builtins__ = {**vars(builtins), "__import__": import_redirected}
        exec(code, vars(module))

    def get_code(self, name: Any) -> CodeType:
        """Return the code for ``python -m``."""
        return self.original.loader.get_code(self.original.name)


def import_redirected(
    name: str,
    globals: dict[str, RewritingLoader | str | None] | None = None,
    locals: dict[str, RewritingLoader | str | None] | None = None,
    fromlist: tuple[Any, ...] | None = (),
    level: int = 0,
) -> ModuleType:
    """Replace ``__import__`` in modules of :class:`RewritingLoader`."""
    if level == 0 and (name == "zmq" or name.startswith("zmq.")):
        name = PACKAGE + name[3:]
    return builtins.__import__(name, globals, locals, fromlist, level)


def install() -> None:
    """Install the finder. Repeated calls have no effect."""
    if SubmoduleFinder not in sys.meta_path:
        sys.meta_path.append(SubmoduleFinder)


def install_green() -> None:
    """Replace ``zmq.green`` with our module. Repeated calls have no effect."""
    if GreenFinder not in sys.meta_path:
        sys.meta_path.insert(0, GreenFinder)

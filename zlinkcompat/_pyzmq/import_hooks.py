"""Counterparts of pyzmq's submodules: ``zlinkcompat.devices`` for ``zmq.devices``, and so on.

Most of pyzmq is Python that asks ``zmq`` for its classes. A counterpart is pyzmq's own source, of
whichever version is installed, run once more with ``zlinkcompat`` wherever it says ``zmq``. What
binds no class of the core is pyzmq's very module, and what we have a file for is ours.
"""

import builtins
import os
import sys
from importlib import import_module
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import find_spec, spec_from_file_location
from types import CodeType, ModuleType

PACKAGE = "zlinkcompat"

#: Without a class of the core in them. Packages are not here: they hold counterparts.
ALIASED = frozenset({
    "_typing", "auth.certs", "constants", "error", "eventloop.ioloop", "ssh.forward",
    "ssh.tunnel", "utils.garbage", "utils.interop", "utils.jsonapi", "utils.strtypes",
    "utils.win32", "utils.z85",
})  # fmt: skip

#: The first part of names that are no counterparts: libzmq's bindings, and what is ours.
NOT_MIRRORED = frozenset({"_version", "backend"})

#: What ``zmq.green`` is made of, and on the backend is one module of ours.
GREEN = frozenset({"zmq.green.core", "zmq.green.device", "zmq.green.poll"})


class SubmoduleFinder:
    """Finds what pyzmq has and this package has no file for. The last of Python's finders."""

    @staticmethod
    def find_spec(name, path=None, target=None):
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
            # Compiled for libzmq: its source lies beside it.
            source = os.path.join(os.path.dirname(original.origin), rest.rpartition(".")[2] + ".py")
            original = spec_from_file_location(original.name, source)
        if rest in ALIASED:
            loader = AliasLoader(original)
        elif rest.partition(".")[0] == "sugar":
            loader = OverlayLoader(original)
        else:
            loader = RewritingLoader(original)
        spec = ModuleSpec(name, loader, origin=original.origin)
        if original.submodule_search_locations is not None:
            # None of pyzmq's folder: its files would be loaded as they are.
            spec.submodule_search_locations = []
        return spec


class GreenFinder:
    """Finds, on the backend, what ``zmq.green`` is made of. The first of Python's finders."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in GREEN:
            return ModuleSpec(name, AliasLoader(ModuleSpec("zlinkcompat.green.backend", None)))
        return None


class SubmoduleLoader:
    """Loads a counterpart of the module that ``original`` (ModuleSpec) finds."""

    def __init__(self, original):
        self.original = original

    def create_module(self, spec):
        return None


class AliasLoader(SubmoduleLoader):
    """That very module."""

    def exec_module(self, module):
        # The import system takes what it finds here.
        sys.modules[module.__name__] = import_module(self.original.name)


class OverlayLoader(SubmoduleLoader):
    """pyzmq's names, with this package's in place of those that it has."""

    def exec_module(self, module):
        ours = import_module(PACKAGE)
        for name, value in vars(import_module(self.original.name)).items():
            if not name.startswith("__") or name == "__all__":
                if isinstance(value, ModuleType) and value.__name__.partition(".")[0] == "zmq":
                    value = import_module(PACKAGE + value.__name__[3:])
                elif name in ours.__all__:
                    value = getattr(ours, name)
                setattr(module, name, value)


class RewritingLoader(SubmoduleLoader):
    """pyzmq's source, for which ``zmq`` is this package."""

    def exec_module(self, module):
        code = self.original.loader.get_code(self.original.name)
        module.__file__ = self.original.origin
        # Python asks a module's own builtins for ``__import__``, also in its functions later.
        module.__builtins__ = {**vars(builtins), "__import__": import_redirected}
        exec(code, vars(module))

    def get_code(self, name) -> CodeType:
        """For ``python -m``."""
        return self.original.loader.get_code(self.original.name)


def import_redirected(name, globals=None, locals=None, fromlist=(), level=0):
    """``__import__`` of a :class:`RewritingLoader` module."""
    if level == 0 and (name == "zmq" or name.startswith("zmq.")):
        name = PACKAGE + name[3:]
    return builtins.__import__(name, globals, locals, fromlist, level)


def install():
    """Put the finder in place; again is harmless."""
    if SubmoduleFinder not in sys.meta_path:
        sys.meta_path.append(SubmoduleFinder)


def install_green():
    """Put ours in the place of ``zmq.green``; again is harmless."""
    if GreenFinder not in sys.meta_path:
        sys.meta_path.insert(0, GreenFinder)

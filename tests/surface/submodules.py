"""List the public submodules of the installed pyzmq."""

import importlib
import pkgutil

import zmq as pyzmq

#: Modules about libzmq itself or pyzmq's own tests, and names that programs do not use.
OTHERWISE = ("backend", "tests", "_version", "_future", "_typing")


def find_submodules():
    """Return the names below ``zmq`` of all importable modules, such as ``auth.thread``."""
    for module in pkgutil.walk_packages(pyzmq.__path__, "zmq.", onerror=lambda name: None):
        name = module.name[4:]
        if name.partition(".")[0] not in OTHERWISE and not name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ImportError:
                # The module needs a package that is not installed, or another operating system.
                continue
            yield name


FOUND = tuple(find_submodules())
#: Submodules of ``zmq.green``. Here we provide only the documented names, since the others belong
#: to pyzmq's bridge to gevent.
GREEN = tuple(name for name in FOUND if name.partition(".")[0] == "green")
SUBMODULES = tuple(name for name in FOUND if name not in GREEN)

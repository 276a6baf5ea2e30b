"""The public submodules of the installed pyzmq."""

import importlib
import pkgutil

import zmq as pyzmq

#: What tells of libzmq itself, of pyzmq's own tests, or is no name for programs.
OTHERWISE = ("backend", "tests", "_version", "_future", "_typing")


def find_submodules():
    """Names below ``zmq`` of all that can be imported, ``auth.thread`` and so on."""
    for module in pkgutil.walk_packages(pyzmq.__path__, "zmq.", onerror=lambda name: None):
        name = module.name[4:]
        if name.partition(".")[0] not in OTHERWISE and not name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ImportError:
                continue  # needs what is not installed (tornado), or is not for this system
            yield name


FOUND = tuple(find_submodules())
#: Of these only what their names promise is ours: pyzmq's bridge to gevent is not.
GREEN = tuple(name for name in FOUND if name.partition(".")[0] == "green")
SUBMODULES = tuple(name for name in FOUND if name not in GREEN)

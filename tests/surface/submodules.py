"""The public submodules of the installed pyzmq."""

import importlib
import pkgutil

import zmq as pyzmq

#: What tells of libzmq itself, of pyzmq's own tests, or has a file of ours under another shape.
OTHERWISE = ("backend", "green", "tests", "_version", "_future", "_typing")


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


SUBMODULES = tuple(find_submodules())

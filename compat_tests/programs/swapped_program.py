"""Run a program with the import swapped: ``swapped_program.py [--patch] prog.py args``.

In the program, and in modules that it imports from its own folder, ``import zmq`` becomes ``import
zlinkcompat as zmq``. pyzmq's backend is not changed.
"""

import importlib.machinery
import os
import sys

from compat_tests.upstream.swapped import rewritten


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module with the import swapped, and writes no bytecode."""

    def get_code(self, fullname):
        source = rewritten(self.get_data(self.path).decode())
        return self.source_to_code(source, self.path)


def finder_for(folder):
    """Return a path hook that applies only to `folder`."""
    finder = importlib.machinery.FileFinder.path_hook((Loader, [".py"]))

    def hook(path):
        if path != folder:
            raise ImportError(path)
        return finder(path)

    return hook


def main():
    if sys.argv[1] == "--patch":
        del sys.argv[1]
        from gevent import monkey

        monkey.patch_all()
    program = os.path.abspath(sys.argv[1])
    folder = os.path.dirname(program)
    sys.argv[:] = [program, *sys.argv[2:]]
    # Replace sys.path[0]; PYTHONPATH still has the checkout.
    sys.path[0] = folder
    sys.path_hooks.insert(0, finder_for(folder))
    # Other modules import the program as __main__, so run it in the namespace of this module.
    main_module = sys.modules["__main__"]
    main_module.__spec__ = None
    main_module.__file__ = program
    exec(Loader("__main__", program).get_code("__main__"), main_module.__dict__)


if __name__ == "__main__":
    main()

"""PyInstaller's hook: modules that are imported by names which its analysis cannot see.

Compiled modules hide their imports, and the counterparts of pyzmq's modules are made at run time of
the code of pyzmq's. So both packages are frozen whole.
"""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

UNUSED = {"tests", "_bench", "_cli", "_pyinstaller"}


def is_used(name):
    """Leave out what a frozen program has no use for."""
    return UNUSED.isdisjoint(name.split("."))


hiddenimports = [
    *collect_submodules("zlinkcompat", filter=is_used),
    *collect_submodules("zmq", filter=is_used),
    "gevent.monkey",
    "gevent.threadpool",
    "nacl.bindings",
]
# Where a module of pyzmq is compiled for libzmq, its counterpart is made of the source beside it.
datas = collect_data_files("zmq", include_py_files=True, excludes=["**/tests/**"])

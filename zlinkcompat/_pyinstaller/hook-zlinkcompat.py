"""PyInstaller's hook, which lists modules whose imports PyInstaller's analysis cannot see.

Compiled modules hide their imports, and the counterparts of pyzmq's modules are created at run time
from pyzmq's source. So both packages are included as a whole.
"""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

UNUSED = {"tests", "_bench", "_cli", "_pyinstaller"}


def is_used(name: str) -> bool:
    """Tell whether a frozen program needs the module."""
    return UNUSED.isdisjoint(name.split("."))


hiddenimports = [
    *collect_submodules("zlinkcompat", filter=is_used),
    *collect_submodules("zmq", filter=is_used),
    "gevent.monkey",
    "gevent.threadpool",
    "nacl.bindings",
]
# If a module of pyzmq is compiled for libzmq, its counterpart is created from the source beside it.
datas = collect_data_files("zmq", include_py_files=True, excludes=["**/tests/**"])

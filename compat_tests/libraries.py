"""The two libraries that are compared, by name.

``ZLINKCOMPAT_COMPAT_STANDIN=zmq`` puts libzmq in our place as well: it shows that the tests are
right, and says nothing about zlinkcompat.
"""

import importlib
import os

REFERENCE = "zmq"
OURS = os.environ.get("ZLINKCOMPAT_COMPAT_STANDIN", "zlinkcompat")
LIBRARIES = tuple(dict.fromkeys([REFERENCE, OURS]))


def load(name):
    """Import the library `name`.

    Raises
    ------
    ImportError
        The library is not there. Callers let it through.
    """
    return importlib.import_module(name)

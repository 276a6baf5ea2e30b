"""The names of the two libraries that we compare.

With ``ZLINKCOMPAT_COMPAT_STANDIN=zmq``, libzmq is compared with itself. This checks the tests and
not zlinkcompat.
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
        The library is not installed. Callers do not catch this.
    """
    return importlib.import_module(name)

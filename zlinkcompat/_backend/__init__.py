"""The Frame, Socket and Context classes of the pyzmq backend, which are handles on core objects.

Both entry points derive from these: the classes of the swapped import (``_sugar``), and pyzmq's own
classes, which subclass those of ``backend.py``. Types and texts of errors are pyzmq's.
"""

from zlinkcompat._backend.context import Context
from zlinkcompat._backend.frame import Frame
from zlinkcompat._backend.socket import Socket

__all__ = ["Context", "Frame", "Socket"]

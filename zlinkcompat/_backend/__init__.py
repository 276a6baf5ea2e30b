"""Frame, Socket and Context as a pyzmq backend has them: handles on core objects.

Both entry points stand on these: the classes of the swapped import (``socket.py``, ``context.py``,
``frame.py``) and pyzmq's own, which subclass what ``backend.py`` gives them. Types and texts of
errors are pyzmq's.
"""

from zlinkcompat._backend.context import Context
from zlinkcompat._backend.frame import Frame
from zlinkcompat._backend.socket import Socket

__all__ = ["Context", "Frame", "Socket"]

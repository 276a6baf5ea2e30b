"""Frame, Socket and Context as a pyzmq backend has them: handles on core objects.

Both doors stand on these: the classes of the swapped import (``socket.py``, ``context.py``,
``frame.py``) and pyzmq's own, which subclass what ``backend.py`` gives them. Types and texts of
errors are pyzmq's.
"""

from zlinkcompat.base.context import Context
from zlinkcompat.base.frame import Frame
from zlinkcompat.base.socket import Socket

__all__ = ["Context", "Frame", "Socket"]

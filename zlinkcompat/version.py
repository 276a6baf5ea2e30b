"""The version of zlinkcompat.

``zlinkcompat.__version__`` is pyzmq's version, because programs use it to find out what pyzmq
supports.
"""

VERSION = "0.1.0"

"""Which zlinkcompat this is.

``zlinkcompat.__version__`` is pyzmq's, since programs ask it what they may call.
"""

VERSION = "0.1.0"

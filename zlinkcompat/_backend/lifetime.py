"""What sockets and contexts may not do: be pickled, or make the garbage collector wait."""

import sys


def refuse_to_pickle(thing):
    """As in pyzmq: another process has neither the connections nor the memory."""
    raise TypeError(f"cannot pickle {type(thing).__name__!r} object")


def being_deleted():
    """Whether the ``__del__`` of pyzmq's own Context is calling.

    The garbage collector runs in any greenlet, the hub's too, in the middle of anything: it must
    not be made to wait and switch."""
    frame = sys._getframe()
    # pyzmq's destructor calls destroy(), term(), and the one of ours, which has a frame if pure.
    for _ in range(6):
        if frame is None:
            return False
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False

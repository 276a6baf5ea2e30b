"""Frame and MessageTracker of the swapped import."""

from __future__ import annotations

from typing import Any

import zmq
from zmq.sugar.attrsettr import AttributeSetter

from zlinkcompat import _backend
from zlinkcompat._pyzmq.method_reuse import copy_methods


class Frame(_backend.Frame, AttributeSetter):
    """One frame of a message, with its properties.

    .. versionadded:: 0.1

    Parameters
    ----------
    data : bytes, contiguous buffer or None
        None makes an empty frame.
    track : bool
        Create a MessageTracker, which is done when the engine no longer uses the buffer.
    copy : bool or None
        Whether to copy the data now; None means that ``copy_threshold`` decides.
    copy_threshold : int, bytes
        Smaller data is always copied; None means ``zmq.COPY_THRESHOLD``.

    Raises
    ------
    TypeError
        The data is text, or does not support the buffer protocol.
    BufferError
        The buffer is not contiguous.

    Notes
    -----
    pyzmq's ``zmq.Frame``, libzmq's ``zmq_msg_init_data(3)``.

    Examples
    --------
    >>> import zlinkcompat as zmq
    >>> frame = zmq.Frame(b"some bytes")
    >>> len(frame), frame.bytes, frame.more
    (10, b'some bytes', False)
    >>> frame["User-Id"]  # only received frames have properties
    Traceback (most recent call last):
    zmq.error.ZMQError: Invalid argument
    """

    copy_methods(locals(), zmq.sugar.frame.Frame, "__getitem__ group routing_id")

    if "__repr__" in vars(zmq.sugar.frame.Frame):  # since 26; in older versions, str() is the body

        def __repr__(self) -> str:
            # A message looks the same with both imports.
            text = zmq.sugar.frame.Frame.__repr__(self)  # type: ignore[arg-type]
            return text.replace(f"<{__name__}.", "<zmq.", 1)


Message = Frame


class TrackerType(type):
    """Makes pyzmq's own trackers, which the core creates, instances of ours as well."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, zmq.MessageTracker)


class MessageTracker(zmq.MessageTracker, metaclass=TrackerType):
    """pyzmq's class, which accepts our Frames too. It tells whether the engine uses a buffer.

    .. versionadded:: 0.1

    Parameters
    ----------
    *towatch : Frame, MessageTracker or threading.Event
        The tracker is done when all of these are done.

    Raises
    ------
    ValueError
        A Frame is not tracked.
    TypeError
        An argument has another type.
    """

    def __init__(self, *towatch: Any) -> None:
        plain = []
        for thing in towatch:
            if isinstance(thing, _backend.Frame):
                if not thing.tracker:
                    raise ValueError("Not a tracked message")
                thing = thing.tracker
            plain.append(thing)
        super().__init__(*plain)

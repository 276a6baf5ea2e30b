"""Frame and MessageTracker of the swapped import."""

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
        None is an empty frame.
    track : bool
        Make a MessageTracker that is done when the engine no longer uses the buffer.
    copy : bool or None
        Whether to copy the data now; None decides by ``copy_threshold``.
    copy_threshold : int, bytes
        Smaller data is copied anyway; None is ``zmq.COPY_THRESHOLD``.

    Raises
    ------
    TypeError
        The data is text, or no buffer.
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
    >>> frame["User-Id"]  # of received frames only
    Traceback (most recent call last):
    zmq.error.ZMQError: Invalid argument
    """

    copy_methods(locals(), zmq.sugar.frame.Frame, "__getitem__ group routing_id")

    if "__repr__" in vars(zmq.sugar.frame.Frame):  # since 26; before, str() gives the body

        def __repr__(self):
            # What is shown of a message does not change with the import.
            text = zmq.sugar.frame.Frame.__repr__(self)
            return text.replace(f"<{__name__}.", "<zmq.", 1)


Message = Frame


class TrackerType(type):
    """pyzmq's own trackers, which the core makes, are instances of ours, too."""

    def __instancecheck__(cls, instance):
        return isinstance(instance, zmq.MessageTracker)


class MessageTracker(zmq.MessageTracker, metaclass=TrackerType):
    """Tells when the engine is done with buffers: pyzmq's, which also takes our Frames.

    .. versionadded:: 0.1

    Parameters
    ----------
    *towatch : Frame, MessageTracker or threading.Event
        What has to be done, each of them.

    Raises
    ------
    ValueError
        A Frame that is not tracked.
    TypeError
        Something else.
    """

    def __init__(self, *towatch):
        plain = []
        for thing in towatch:
            if isinstance(thing, _backend.Frame):
                if not thing.tracker:
                    raise ValueError("Not a tracked message")
                thing = thing.tracker
            plain.append(thing)
        super().__init__(*plain)

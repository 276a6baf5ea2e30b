"""Frame: one part of a message, with its properties."""

import weakref

from zlinkcompat._backend.arguments import as_int, contiguous
from zlinkcompat._backend.frame_buffer import Exporter
from zlinkcompat._backend.lifetime import refuse_to_pickle
from zlinkcompat._backend.pinned import (
    Pinned,
    SentEvent,
    book_entry,
    finished_tracker,
    held_buffers,
    new_tracker,
)
from zlinkcompat._constants import MORE, SHARED, SRCFD
from zlinkcompat.errors import EINVAL, zmq_error

# zmq_msg_get(3).


class Frame(Exporter):
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
    **kwargs
        Ignored, as by pyzmq.

    Attributes
    ----------
    more : bool
        Other frames of the same message follow.
    tracker : MessageTracker or None
        Tells when the engine is done with the buffer.

    Raises
    ------
    TypeError
        The data is text, or no buffer.
    BufferError
        The buffer is not contiguous.

    Notes
    -----
    pyzmq's ``zmq.Frame``; libzmq's ``zmq_msg_init_data(3)``.
    """

    # pyzmq's AttributeSetter takes what a class knows for attributes, all else for options.
    __slots__ = ("more", "tracker", "metadata", "data", "view", "__weakref__")

    def __init__(self, data=None, track=False, copy=None, copy_threshold=None, **kwargs):
        self.more = False
        self.tracker = None
        self.metadata = None
        self.data = None
        self.view = None
        if track:
            self.tracker = finished_tracker()
        if data is None:
            self.content = b""
            return
        if isinstance(data, str):
            raise TypeError("Str objects not allowed. Only: bytes, buffer interfaces.")
        view = contiguous(data)
        if copy is None:
            if copy_threshold is None:
                copy_threshold = default_copy_threshold()
            copy = view.nbytes < copy_threshold
        if copy:
            # Bytes, too: the frame's memory is its own, and may be written to.
            self.content = view.tobytes("A")
        else:
            event = None
            if track:
                event = SentEvent()
                self.tracker = new_tracker(event)
            self.data = data
            self.content = pinned = Pinned(data, event)
            held_buffers()[id(pinned)] = book_entry(pinned.buffer, event)

    def __len__(self):
        return len(self.content)

    def __copy__(self):
        return self.fast_copy()

    def __reduce__(self):
        refuse_to_pickle(self)

    def fast_copy(self):
        """Another Frame on the same memory.

        Returns
        -------
        Frame
            With the same tracker; pyzmq's ``Frame.fast_copy``.
        """
        other = type(self)()
        other.take(self.content)
        other.data = self.data
        other.tracker = self.tracker
        other.metadata = self.metadata
        return other

    def take(self, content):
        """Become a frame of ``content``, as the core has it (bytes or a buffer holder).

        A buffer that is out keeps the memory of the content before."""
        self.content = content
        self.data = None
        self.view = None

    def __str__(self):
        if type(self).__repr__ is object.__repr__:
            # pyzmq before 26 leaves it to its backend.
            return self.bytes.decode()
        return repr(self)

    def hold(self, memory):
        """What the core holds for memory of the frame's own."""
        return Pinned(memory, None)

    @property
    def buffer(self):
        """A memoryview of the data (bytes, one dimension): of the memory itself, which may be
        written to unless the sender's own is read-only; pyzmq's ``Frame.buffer``."""
        view = None if self.view is None else self.view()
        if view is None:
            view = self.look()
            self.view = weakref.ref(view)
        return view

    @property
    def tracker_event(self):
        """The event behind :attr:`tracker`, or None; pyzmq's ``Frame.tracker_event``."""
        return None if type(self.content) is bytes else self.content.event

    @property
    def bytes(self):
        """The data as bytes; pyzmq's ``Frame.bytes``."""
        if type(self.data) is bytes:
            return self.data
        content = self.content
        return content if type(content) is bytes else content.bytes

    def __bytes__(self):
        return self.bytes

    def get(self, option):
        """A property of the message.

        Parameters
        ----------
        option : int or str
            ``zmq.MORE``, ``zmq.SRCFD``, ``zmq.SHARED``, or the name of a property of the peer:
            "Socket-Type", "Identity", "Peer-Address", "User-Id", "X-...".

        Returns
        -------
        int or str
            1 or 0 for MORE and SHARED, a descriptor for SRCFD; text for a property of the peer.

        Raises
        ------
        TypeError
            ``option`` is neither a number nor a name.
        ZMQError
            EINVAL: there is no such property. A frame that was not received has none of a peer.

        Notes
        -----
        libzmq's ``zmq_msg_get(3)``, ``zmq_msg_gets(3)``; the peer's metadata is RFC 37's, and
        "User-Id" is the ZAP handler's (RFC 27).
        """
        if isinstance(option, int):
            if option == MORE:
                return int(self.more)
            if option == SRCFD:
                return int(self.message_property("__fd"))
            if option == SHARED:
                return int(type(self.content) is not bytes)
            raise zmq_error(EINVAL)
        if isinstance(option, bytes):
            option = option.decode()
        if not isinstance(option, str):
            raise TypeError(f"expected str, got: {option!r}")
        return self.message_property(option)

    def message_property(self, name):
        """What the peer, or the handler about it, says by this name (str); else EINVAL."""
        value = None if self.metadata is None else self.metadata.get(name)
        if value is None:
            raise zmq_error(EINVAL)
        return value

    def set(self, option, value):
        """Set a property of the message: libzmq 4.3 has none that can be, outside of drafts.

        Parameters
        ----------
        option : int or str
            As in ``zmq_msg_set(3)``; or "routing_id", "group" of draft sockets.
        value : int or str

        Raises
        ------
        TypeError, OverflowError
            Not a C int where one is needed.
        ZMQError
            EINVAL, always.
        """
        if option == "routing_id":
            as_int(value)
        elif option != "group":
            as_int(option)
        raise zmq_error(EINVAL)


def default_copy_threshold():
    """``zmq.COPY_THRESHOLD`` as it is now, bytes."""
    import zmq

    return zmq.COPY_THRESHOLD

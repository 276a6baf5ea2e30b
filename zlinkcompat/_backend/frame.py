"""Frame: one part of a message, with its properties."""

from __future__ import annotations

import weakref
from typing import Any

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
        None makes an empty frame.
    track : bool
        Whether to create a MessageTracker, which is done when the engine no longer uses the buffer.
    copy : bool or None
        Whether to copy the data now; None means that ``copy_threshold`` decides.
    copy_threshold : int, bytes
        Smaller data is always copied; None means ``zmq.COPY_THRESHOLD``.
    **kwargs
        Ignored, as in pyzmq.

    Attributes
    ----------
    more : bool
        Whether further frames of the same message follow.
    tracker : MessageTracker or None
        Tells when the engine no longer uses the buffer.

    Raises
    ------
    TypeError
        The data is text, or does not support the buffer protocol.
    BufferError
        The buffer is not contiguous.

    Notes
    -----
    pyzmq's ``zmq.Frame``; libzmq's ``zmq_msg_init_data(3)``.
    """

    # pyzmq's AttributeSetter treats the names that a class defines as attributes, and all other
    # names as options.
    __slots__ = ("more", "tracker", "metadata", "data", "view", "__weakref__")

    def __init__(
        self,
        data: Any = None,
        track: bool = False,
        copy: bool | None = None,
        copy_threshold: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.more = False
        self.tracker = None
        self.metadata: Any = None
        self.data = None
        self.view: Any = None
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
            # Copy the data even if it is a bytes object. The caller may write to the frame's
            # memory.
            self.content = view.tobytes("A")
        else:
            event = None
            if track:
                event = SentEvent()
                self.tracker = new_tracker(event)
            self.data = data
            self.content = pinned = Pinned(data, event)
            held_buffers()[id(pinned)] = book_entry(pinned.buffer, event)

    def __len__(self) -> int:
        return len(self.content)

    def __copy__(self) -> Frame:
        return self.fast_copy()

    def __reduce__(self) -> Any:
        refuse_to_pickle(self)

    def fast_copy(self) -> Frame:
        """Return another Frame on the same memory.

        Returns
        -------
        Frame
            It has the same tracker. pyzmq's ``Frame.fast_copy``.
        """
        other = type(self)()
        other.take(self.content)
        other.data = self.data
        other.tracker = self.tracker
        other.metadata = self.metadata
        return other

    def take(self, content: Any) -> None:
        """Set the content, in the core's form: bytes or an object with a ``buffer``.

        A buffer that was exported before keeps the previous content alive."""
        self.content = content
        self.data = None
        self.view = None

    def __str__(self) -> str:
        if type(self).__repr__ is object.__repr__:
            # Before version 26, pyzmq leaves ``str(frame)`` to its backend.
            return self.bytes.decode()
        return repr(self)

    def hold(self, memory: bytearray) -> Pinned:
        """Return an object with a ``buffer``, as the core needs it, for memory of this frame."""
        return Pinned(memory, None)

    @property
    def buffer(self) -> memoryview:
        """A one-dimensional memoryview of the data's memory, as in pyzmq. It is writable unless the
        sender's buffer is read-only."""
        view = None if self.view is None else self.view()
        if view is None:
            view = self.look()
            self.view = weakref.ref(view)
        return view

    @property
    def tracker_event(self) -> Any:
        """The event that :attr:`tracker` waits for, or None; pyzmq's ``Frame.tracker_event``."""
        return None if type(self.content) is bytes else self.content.event

    @property
    def bytes(self) -> bytes:
        """The data as bytes; pyzmq's ``Frame.bytes``."""
        if type(self.data) is bytes:
            return self.data
        content = self.content
        return content if type(content) is bytes else content.bytes

    def __bytes__(self) -> Any:
        return self.bytes

    def get(self, option: int | str) -> Any:
        """Return a property of the message.

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
            ``option`` is neither an int nor a str.
        ZMQError
            EINVAL: the property does not exist. Only received frames have properties of a peer.

        Notes
        -----
        libzmq's ``zmq_msg_get(3)``, ``zmq_msg_gets(3)``. RFC 37 defines the peer's metadata;
        "User-Id" comes from the ZAP handler (RFC 27).
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

    def message_property(self, name: str) -> str:
        """Return a property (str) from the peer or the ZAP handler; raise EINVAL if it is unset."""
        value = None if self.metadata is None else self.metadata.get(name)
        if value is None:
            raise zmq_error(EINVAL)
        return value

    def set(self, option: int | str, value: Any) -> None:
        """Raise EINVAL: without drafts, libzmq 4.3 has no property of a message that can be set.

        Parameters
        ----------
        option : int or str
            As in ``zmq_msg_set(3)``; or "routing_id", "group" of draft sockets.
        value : int or str

        Raises
        ------
        TypeError, OverflowError
            The number or value is not a C int.
        ZMQError
            EINVAL, always.
        """
        if option == "routing_id":
            as_int(value)
        elif option != "group":
            as_int(option)
        raise zmq_error(EINVAL)


def default_copy_threshold() -> int:
    """Return the current ``zmq.COPY_THRESHOLD``, in bytes."""
    import zmq

    return zmq.COPY_THRESHOLD

"""Frame, Socket and Context as a pyzmq backend has them: handles on core objects.

Both doors stand on these: the classes of the swapped import (``socket.py``, ``context.py``,
``frame.py``) and pyzmq's own, which subclass what ``backend.py`` gives them. Types and texts of
errors are pyzmq's.
"""

import os
import sys
import threading
import weakref

from zlinkcompat.core.context import CoreContext
from zlinkcompat.core.options import find
from zlinkcompat.core.registry import context_at, socket_at
from zlinkcompat.core.socket import SocketBase
from zlinkcompat.engine.waker import WaitList, waker_here
from zlinkcompat.errors import EFAULT, EINVAL, ENOTSOCK, zmq_error
from zlinkcompat.exporter import Exporter

# zmq_msg_get(3).
MORE = 1
SRCFD = 2
SHARED = 3

INT_MIN = -(2**31)
INT_MAX = 2**31 - 1


class SentEvent(threading.Event):
    """Set when the engine is done with a buffer; waiting for it lets the hub work."""

    def __init__(self):
        super().__init__()
        self.waiting = WaitList()

    def set(self):
        super().set()
        self.waiting.notify_all()

    def wait(self, timeout=None):
        if not self.is_set():
            waker = waker_here(False)
            self.waiting.wait(waker, -1.0 if timeout is None else float(timeout), self.look)
        return self.is_set()

    def look(self):
        if self.is_set():
            self.waiting.notify_all()


class Pinned:
    """A buffer that is sent without a copy, alive until its last byte is written.

    The one interface for pinned buffers: made by a send, held by pipes, asked for its ``buffer``
    by the encoder, and gone when nobody holds it any more; then the tracker's event is set.

    Parameters
    ----------
    data
        Any C-contiguous buffer.
    event : SentEvent or None
    """

    def __init__(self, data, event):
        view = memoryview(data)
        # The order of its memory is sent, whatever the order of its indices is.
        self.buffer = view.cast("B") if view.c_contiguous else memoryview(view.tobytes("A"))
        self.event = event

    def __len__(self):
        return self.buffer.nbytes

    @property
    def bytes(self):
        return self.buffer.tobytes()

    def __del__(self):
        if self.event is not None:
            self.event.set()
        if _held_buffers is not None:  # else nothing was entered; no import at interpreter exit
            _held_buffers.pop(id(self), None)


def held_buffers():
    """pyzmq's book of buffers that are in use: ``zmq.utils.garbage.gc.refs``."""
    global _held_buffers
    if _held_buffers is None:
        from zmq.utils.garbage import gc

        _held_buffers = gc.refs
    return _held_buffers


_held_buffers = None


def refuse_to_pickle(thing):
    # As in pyzmq: another process has neither the connections nor the memory.
    raise TypeError(f"cannot pickle {type(thing).__name__!r} object")


class Frame(Exporter):
    """One frame of a message, with its properties.

    Parameters
    ----------
    data : bytes, buffer or None
    track : bool
        Make a MessageTracker that is done when the engine no longer uses the buffer.
    copy : bool or None
        Whether to copy the data now; None decides by ``copy_threshold``.
    copy_threshold : int, bytes
        Smaller data is copied anyway; None is ``zmq.COPY_THRESHOLD``.

    Attributes
    ----------
    more : bool
        Other frames of the same message follow.
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
        """Another Frame on the same data."""
        other = type(self)()
        other.take(self.content)
        other.data = self.data
        other.tracker = self.tracker
        other.metadata = self.metadata
        return other

    def take(self, content):
        """Become a frame of ``content``, as the core has it (bytes or a buffer holder)."""
        self.content = content

    def __str__(self):
        if type(self).__repr__ is object.__repr__:
            # pyzmq before 26 leaves it to its backend.
            return self.bytes.decode()
        return repr(self)

    def hold(self, memory):
        return Pinned(memory, None)

    @property
    def buffer(self):
        """A memoryview of the data: of the memory itself, which may be written to unless the
        sender's own is read-only."""
        view = None if self.view is None else self.view()
        if view is None:
            view = self.look()
            self.view = weakref.ref(view)
        return view

    @property
    def tracker_event(self):
        """The event behind :attr:`tracker`, or None."""
        return None if type(self.content) is bytes else self.content.event

    @property
    def bytes(self):
        """The data as bytes."""
        if type(self.data) is bytes:
            return self.data
        content = self.content
        return content if type(content) is bytes else content.bytes

    def __bytes__(self):
        return self.bytes

    def get(self, option):
        """A property of the message (zmq_msg_get(3), zmq_msg_gets(3)).

        Parameters
        ----------
        option : int or str
            ``zmq.MORE``, ``zmq.SRCFD``, ``zmq.SHARED``, or the name of a property of the peer:
            "Socket-Type", "Identity", "Peer-Address", "User-Id", "X-...".

        Raises
        ------
        ZMQError
            EINVAL: there is no such property.
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
        value = None if self.metadata is None else self.metadata.get(name)
        if value is None:
            raise zmq_error(EINVAL)
        return value

    def set(self, option, value):
        """No message property of this version can be set: EINVAL."""
        if option == "routing_id":
            as_int(value)
        elif option != "group":
            as_int(option)
        raise zmq_error(EINVAL)


def contiguous(data):
    view = memoryview(data)
    if not view.contiguous:
        raise BufferError("the buffer must be contiguous")
    return view


def book_entry(buffer, event):
    from zmq.utils.garbage import gcref

    return gcref(buffer, event)


def finished_tracker():
    from zmq.sugar.tracker import _FINISHED_TRACKER

    return _FINISHED_TRACKER


def new_tracker(event):
    from zmq.sugar.tracker import MessageTracker

    return MessageTracker(event)


def default_copy_threshold():
    import zmq

    return zmq.COPY_THRESHOLD


def as_int(value):
    """A C int, as pyzmq's compiled signatures take it: TypeError, OverflowError."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__int__"):
        raise TypeError(f"expected int, got: {value!r}")
    number = int(value)
    if not INT_MIN <= number <= INT_MAX:
        raise OverflowError(f"value too large to convert to int: {number}")
    return number


def to_address(addr):
    """An endpoint as text; pyzmq's TypeError for what is neither str nor bytes."""
    if isinstance(addr, bytes):
        return addr.decode("utf-8", "surrogateescape")
    if not isinstance(addr, str):
        raise TypeError(f"Expected addr to be str, got addr={addr!r}")
    return addr


class Socket:
    """A socket.

    Parameters
    ----------
    context : Context
    socket_type : int
    shadow : int
        ``underlying`` of a living socket, to be another object for it.
    copy_threshold : int, bytes
        With ``copy=False``, smaller frames are copied anyway.

    Source: pyzmq ``zmq/backend/__init__.pyi``.
    """

    __slots__ = ("context", "core", "_closed", "_shadow", "_pid", "copy_threshold", "frame_class",
                 "__weakref__")

    def __init__(self, context=None, socket_type=-1, shadow=0, copy_threshold=None):
        self._closed = False
        self._shadow = bool(shadow)
        self._pid = os.getpid()
        self.context = context
        self.core = None
        if copy_threshold is None:
            copy_threshold = default_copy_threshold()
        self.copy_threshold = copy_threshold
        self.frame_class = self.choose_frame_class()
        if shadow:
            self.core = socket_at(shadow)
            if self.core is None:
                raise zmq_error(ENOTSOCK, f"there is no socket at {shadow}")
            return
        if not isinstance(context, Context):
            raise TypeError(f"a Context must be specified, not {context!r}")
        if socket_type < 0:
            raise TypeError("socket_type must be specified")
        self.core = SocketBase(context.core, int(socket_type))

    def __reduce__(self):
        refuse_to_pickle(self)

    def choose_frame_class(self):
        import zmq

        # Through the backend door pyzmq's Frame is a subclass of ours.
        return zmq.Frame if issubclass(zmq.Frame, Frame) else Frame

    @property
    def underlying(self):
        """The address (int) by which another object can shadow this socket; 0 when closed."""
        return 0 if self._closed else self.core.address

    @property
    def handle(self):
        return self.underlying

    @property
    def closed(self):
        """Whether the socket was closed, by this object or another."""
        try:
            if not self._closed and (self.core is None or self.core.closed):
                self._closed = True
            return self._closed
        except AttributeError:
            # Pure build: __init__ was interrupted.
            return True

    def live(self):
        """The core socket; raises ENOTSOCK if this object was closed."""
        if self._closed:
            raise zmq_error(ENOTSOCK)
        return self.core

    def close(self, linger=None):
        """Close the socket; what it accepted is delivered within linger (ms; -1 is for ever)."""
        # In a forked child the connections are the parent's.
        if self._closed or self.core is None or os.getpid() != self._pid:
            return
        if linger is not None:
            linger = as_int(linger)
        self._closed = True
        self.core.close(linger, not being_deleted())

    # -- options ---------------------------------------------------------------------------

    def set(self, option, optval):
        """Set a socket option (libzmq zmq_setsockopt(3)).

        Raises TypeError for a value of the wrong type, and ZMQError: EINVAL, ENOTSOCK, ETERM.
        """
        core = self.live()
        if isinstance(optval, str):
            raise TypeError("unicode not allowed, use setsockopt_string")
        bits = option_bits(option)
        if bits == 0:
            if not isinstance(optval, bytes):
                raise TypeError(f"expected bytes, got: {optval!r}")
        elif not isinstance(optval, int):
            raise TypeError(f"expected int, got: {optval!r}")
        elif not -(1 << (bits - 1)) <= optval < 1 << (bits - 1):
            raise OverflowError(f"value too large to convert to int{bits}: {optval}")
        else:
            optval = int(optval)
        core.set(as_int(option), optval)

    def get(self, option):
        """Get a socket option (libzmq zmq_getsockopt(3)): int or bytes. EINVAL, ENOTSOCK, ETERM."""
        return self.live().get(as_int(option))

    @property
    def ssl_context(self):
        """The user's own ``ssl.SSLContext`` for tls and wss endpoints to come, or None."""
        return self.live().options.ssl_context

    @ssl_context.setter
    def ssl_context(self, context):
        self.live().options.ssl_context = context

    # -- endpoints -------------------------------------------------------------------------

    def bind(self, addr):
        """Accept peers at ``addr``. libzmq zmq_bind(3)."""
        text = to_address(addr)
        self.live().bind(text)

    def connect(self, addr):
        """Connect to ``addr``. libzmq zmq_connect(3)."""
        text = to_address(addr)
        self.live().connect(text)

    def unbind(self, addr):
        """Undo :meth:`bind`. ENOENT."""
        text = to_address(addr)
        self.live().unbind(text)

    def disconnect(self, addr):
        """Undo :meth:`connect`. ENOENT."""
        text = to_address(addr)
        self.live().disconnect(text)

    def monitor(self, addr, events=0xFFFF):
        """Publish events at an inproc address; None stops. libzmq zmq_socket_monitor(3)."""
        text = None if addr is None else to_address(addr)
        self.live().monitor(text, as_int(events))

    def join(self, group):
        raise RuntimeError("libzmq and pyzmq must be built with draft support")

    def leave(self, group):
        raise RuntimeError("libzmq and pyzmq must be built with draft support")

    # -- messages --------------------------------------------------------------------------

    def to_content(self, data, copy, track):
        """What the core sends for ``data``, and the tracker to return."""
        if type(data) is bytes and not track:
            return data, None if copy else finished_tracker()
        if isinstance(data, Frame):
            if track and not data.tracker:
                raise ValueError("Not a tracked message")
            return data.content, data.tracker
        if isinstance(data, str):
            raise TypeError("unicode not allowed, use send_string")
        if copy:
            # A mutable buffer is snapshotted once, as the user was promised.
            return data if type(data) is bytes else contiguous(data).tobytes("A"), None
        if data is None:
            raise TypeError("bytes or a buffer is needed, not None")
        frame = Frame(data, track, None, self.copy_threshold)
        return frame.content, frame.tracker or finished_tracker()

    def send(self, data, flags=0, copy=True, track=False, routing_id=None, group=None):
        """Send one frame.

        Parameters
        ----------
        data : bytes, Frame or buffer
        flags : int
            ``zmq.NOBLOCK``, ``zmq.SNDMORE``.
        copy : bool
            False references the buffer until it is written; do not change it before.
        track : bool
            Return a MessageTracker that tells when that is (with ``copy=False``).

        Returns
        -------
        MessageTracker or None
            None with ``copy=True``, unless ``data`` is a tracked Frame.

        Raises
        ------
        TypeError, ValueError
            Text instead of bytes; an untracked Frame with ``track``.
        ZMQError
            EAGAIN, EFSM, EHOSTUNREACH, ENOTSUP, ENOTSOCK, ETERM. libzmq zmq_msg_send(3).
        """
        if self._closed:
            raise zmq_error(ENOTSOCK)
        if type(data) is bytes and copy and routing_id is None and group is None:
            self.core.send_frame(data, flags)
            return None
        if routing_id is not None or group is not None:
            raise RuntimeError("libzmq and pyzmq must be built with draft support")
        content, tracker = self.to_content(data, copy, track)
        self.core.send_frame(content, flags)
        return tracker

    def send_multipart(self, msg_parts, flags=0, copy=True, track=False, **kwargs):
        """Send a sequence of frames as one message, wholly or not at all. See :meth:`send`."""
        if self._closed:
            raise zmq_error(ENOTSOCK)
        if not isinstance(msg_parts, (list, tuple)):
            # As pyzmq, which needs a sequence.
            msg_parts = msg_parts[:]
        frames = []
        tracker = None
        for part in msg_parts:
            if type(part) is bytes and copy:
                frames.append(part)
                continue
            try:
                content, tracker = self.to_content(part, copy, track)
            except TypeError:
                raise TypeError(f"Frame {len(frames)} ({shorten(part)}) does not support the "
                                "buffer interface.") from None
            frames.append(content)
        if not frames:
            raise IndexError("send_multipart: a message has at least one frame")
        self.core.send_message(frames, flags)
        return tracker

    def recv(self, flags=0, copy=True, track=False):
        """Receive one frame.

        Parameters
        ----------
        flags : int
            ``zmq.NOBLOCK``.
        copy : bool
            False returns a Frame, with the message's properties, instead of bytes.

        Raises
        ------
        ZMQError
            EAGAIN, EFSM, ENOTSUP, ENOTSOCK, ETERM. libzmq zmq_msg_recv(3).
        """
        if self._closed:
            raise zmq_error(ENOTSOCK)
        # So that what is no number is refused in the pure build, too.
        content = self.core.recv_frame(flags | 0)
        if copy:
            return content if type(content) is bytes else content.bytes
        return self.to_frame(content, track, self.core.more)

    def recv_multipart(self, flags=0, copy=True, track=False):
        """Receive a whole message as a list of frames. See :meth:`recv`."""
        if self._closed:
            raise zmq_error(ENOTSOCK)
        frames = self.core.recv_message(flags | 0)
        last = len(frames) - 1
        for index in range(last + 1):
            content = frames[index]
            if not copy:
                frames[index] = self.to_frame(content, track, index < last)
            elif type(content) is not bytes:
                frames[index] = content.bytes
        return frames

    def to_frame(self, content, track, more):
        frame = self.frame_class(track=track)
        frame.take(content)
        frame.more = more
        pipe = self.core.pattern.last_pipe
        if pipe is not None:
            frame.metadata = pipe.metadata
        return frame

    def recv_into(self, buffer, /, *, nbytes=0, flags=0):
        """Receive one frame into ``buffer``.

        Parameters
        ----------
        buffer : writable, contiguous buffer
        nbytes : int, bytes
            At most so many; 0 is the size of the buffer.

        Returns
        -------
        int, bytes
            Size of the frame; if that is larger, the rest is lost.
        """
        core = self.live()
        if nbytes < 0:
            raise ValueError(f"{nbytes=} must be non-negative")
        view = memoryview(buffer)
        if view.readonly or not view.contiguous:
            raise BufferError("recv_into: the buffer must be writable and contiguous")
        room = view.nbytes
        if nbytes > room:
            raise ValueError(f"{nbytes=} too big for memoryview of {room}B")
        content = core.recv_frame(flags | 0)
        count = min(len(content), nbytes or room)
        if count:
            source = content if type(content) is bytes else content.buffer
            view.cast("B")[:count] = source[:count]
        return len(content)


def shorten(part):
    text = repr(part)
    return text if len(text) <= 32 else text[:32] + "..."


_option_bits = {}


def option_bits(option):
    """Size of the int that pyzmq takes for a socket option, 0 for bytes; 32 if it is unknown."""
    bits = _option_bits.get(option)
    if bits is None:
        from zmq.constants import SocketOption, _OptType

        try:
            kind = SocketOption(option)._opt_type
        except ValueError:
            row = find(option) if isinstance(option, int) else None
            ours = row is not None and row.kind == "bytes"
            kind = _OptType.bytes if ours else _OptType.int
        bits = _option_bits[option] = {_OptType.bytes: 0, _OptType.int64: 64}.get(kind, 32)
    return bits


def being_deleted():
    """Whether the ``__del__`` of pyzmq's own Context is calling.

    The garbage collector runs in any greenlet, the hub's too, in the middle of anything: it must
    not be made to wait and switch."""
    try:
        frame = sys._getframe()
    except ValueError:
        # Compiled, and called by a greenlet itself.
        return False
    for _ in range(4):
        if frame is None:
            return False
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


class Context:
    """A container of sockets.

    Parameters
    ----------
    io_threads : int
        Native I/O threads in libzmq; the hub engine needs none.
    shadow : int
        ``underlying`` of a living context, to be another object for it.
    """

    #: "hub" or "thread" whatever ZLINK_ENGINE says.
    _engine = None

    __slots__ = ("core", "closed", "_shadow", "_pid", "__weakref__")

    def __init__(self, io_threads=1, shadow=0):
        self._shadow = bool(shadow)
        self._pid = os.getpid()
        self.closed = False
        if shadow:
            self.core = context_at(shadow)
            if self.core is None:
                raise zmq_error(EFAULT, f"there is no context at {shadow}")
        else:
            self.core = CoreContext(as_int(io_threads), self._engine)

    def __reduce__(self):
        refuse_to_pickle(self)

    @property
    def underlying(self):
        """The address (int) by which another object can shadow this context."""
        return self.core.address

    @property
    def handle(self):
        return self.underlying

    def term(self):
        """Terminate: calls on open sockets raise ETERM; wait until all are closed and flushed."""
        if self.closed or os.getpid() != self._pid:
            return
        if being_deleted():
            self.core.abandon()
        else:
            self.core.term()
        self.closed = True

    def set(self, option, optval):
        """Set a context option (libzmq zmq_ctx_set(3)). EINVAL."""
        if self.closed:
            raise RuntimeError("Context has been destroyed")
        if not isinstance(optval, int):
            raise TypeError(f"expected int, got: {optval!r}")
        self.core.set(as_int(option), as_int(optval))

    def get(self, option):
        """Get a context option (libzmq zmq_ctx_get(3)). EINVAL."""
        if self.closed:
            raise RuntimeError("Context has been destroyed")
        return self.core.get(as_int(option))

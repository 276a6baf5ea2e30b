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
        """Tell all who wait."""
        super().set()
        self.waiting.notify_all()

    def wait(self, timeout=None):
        """Wait until it is set, ``timeout`` seconds at most; returns whether it is."""
        if not self.is_set():
            waker = waker_here(False)
            self.waiting.wait(waker, -1.0 if timeout is None else float(timeout), self.look)
        return self.is_set()

    def look(self):
        """Wake who began to wait while it was being set."""
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
        """A copy of the data."""
        return self.buffer.tobytes()

    def __del__(self):
        # First: who waits for the tracker may resize what is pinned.
        self.buffer = None
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
    """As in pyzmq: another process has neither the connections nor the memory."""
    raise TypeError(f"cannot pickle {type(thing).__name__!r} object")


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
        """Become a frame of ``content``, as the core has it (bytes or a buffer holder)."""
        self.content = content

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


def contiguous(data):
    """A memoryview of any contiguous buffer."""
    view = memoryview(data)
    if not view.contiguous:
        raise BufferError("the buffer must be contiguous")
    return view


def book_entry(buffer, event):
    """What pyzmq's book says of a buffer."""
    from zmq.utils.garbage import gcref

    return gcref(buffer, event)


def finished_tracker():
    """pyzmq's tracker of what was copied."""
    from zmq.sugar.tracker import _FINISHED_TRACKER

    return _FINISHED_TRACKER


def new_tracker(event):
    """A tracker that is done when ``event`` is set."""
    from zmq.sugar.tracker import MessageTracker

    return MessageTracker(event)


def default_copy_threshold():
    """``zmq.COPY_THRESHOLD`` as it is now, bytes."""
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
    """A socket, as pyzmq asks it of a backend; both doors derive theirs.

    .. versionadded:: 0.1

    Parameters
    ----------
    context : Context
        Whose socket it is.
    socket_type : int
        ``zmq.PAIR`` (0) to ``zmq.STREAM`` (11).
    shadow : int
        ``underlying`` of a living socket, to be another object for it.
    copy_threshold : int, bytes
        With ``copy=False``, smaller frames are copied anyway; None is ``zmq.COPY_THRESHOLD``.

    Raises
    ------
    TypeError
        No context, or no type.
    ZMQError
        EINVAL: there is no such type. EMFILE: MAX_SOCKETS are open. ETERM, EFAULT: the context is
        being terminated, is closed. ENOTSOCK: there is no socket to shadow.

    Notes
    -----
    pyzmq's ``zmq/backend/__init__.pyi``, libzmq's ``zmq_socket(3)``.
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
        """What ``recv(copy=False)`` returns: a subclass of Frame."""
        import zmq

        # Through the backend door pyzmq's Frame is a subclass of ours.
        return zmq.Frame if issubclass(zmq.Frame, Frame) else Frame

    @property
    def underlying(self):
        """The address (int) by which another object can shadow this socket; 0 when closed.

        As pyzmq's ``Socket.underlying``, which is libzmq's ``void *``; no C code can use this one.
        """
        return 0 if self._closed else self.core.address

    @property
    def handle(self):
        """:attr:`underlying`, by pyzmq's older name."""
        return self.underlying

    @property
    def closed(self):
        """Whether the socket was closed, by this object or another; pyzmq's ``Socket.closed``."""
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
        """Close the socket. Returns at once; what it accepted is delivered within LINGER.

        Parameters
        ----------
        linger : int, milliseconds, optional
            Set LINGER first; -1 is for ever.

        Raises
        ------
        TypeError, OverflowError
            ``linger`` is no C int.

        Notes
        -----
        libzmq's ``zmq_close(3)``. A socket that is closed already stays so; in a forked child
        nothing happens, since the connections are the parent's.
        """
        # In a forked child the connections are the parent's.
        if self._closed or self.core is None or os.getpid() != self._pid:
            return
        if linger is not None:
            linger = as_int(linger)
        self._closed = True
        self.core.close(linger, not being_deleted())

    # -- options ---------------------------------------------------------------------------

    def set(self, option, optval):
        """Set a socket option, by its number.

        Parameters
        ----------
        option : int
            ``zmq.LINGER``, ...; ours are in ``zlinkcompat.sockopt`` and ``zlinkcompat.tuning``.
        optval : int or bytes
            By the kind of the option; its unit, too.

        Raises
        ------
        TypeError
            The value is of another kind; text is set by ``set_string``.
        OverflowError
            It does not fit the option's C type.
        ZMQError
            EINVAL: there is no such option, it cannot be set, does not apply to this type of
            socket, does not allow this value, or would promise security that is not there.
            ENOTSOCK: the socket is closed. ETERM: its context was terminated.

        Notes
        -----
        libzmq's ``zmq_setsockopt(3)``, which says of each option when it takes effect: most at the
        next bind or connect.
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
        """A socket option, by its number.

        Parameters
        ----------
        option : int
            ``zmq.LINGER``, ...

        Returns
        -------
        int or bytes
            By the kind of the option.

        Raises
        ------
        ZMQError
            EINVAL: there is no such option, or it can only be set. ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_getsockopt(3)``.
        """
        return self.live().get(as_int(option))

    @property
    def ssl_context(self):
        """The user's own ``ssl.SSLContext`` for tls and wss endpoints to come, or None.

        Ours alone: libzmq has no such option.

        Raises
        ------
        ZMQError
            ENOTSOCK: the socket is closed.
        """
        return self.live().options.ssl_context

    @ssl_context.setter
    def ssl_context(self, context):
        self.live().options.ssl_context = context

    # -- endpoints -------------------------------------------------------------------------

    def bind(self, addr):
        """Accept peers at ``addr``.

        Parameters
        ----------
        addr : str or bytes
            ``transport://address``; ``tcp://127.0.0.1:*`` takes a free port, which LAST_ENDPOINT
            tells.

        Raises
        ------
        TypeError
            ``addr`` is no text.
        ZMQError
            EINVAL: no endpoint, or a ``tls`` server without a certificate. EPROTONOSUPPORT: no such
            transport, or its extra is not installed. ENOCOMPATPROTO: not for this type of socket.
            EADDRINUSE, EADDRNOTAVAIL, ENODEV, ENAMETOOLONG, EACCES, ...: what the system says.
            ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_bind(3)``. An ipc path on which a process listens is refused (EADDRINUSE).
        """
        text = to_address(addr)
        self.live().bind(text)

    def connect(self, addr):
        """Connect to ``addr``; returns before the peer is there, and goes on trying.

        Parameters
        ----------
        addr : str or bytes
            ``transport://address``.

        Raises
        ------
        TypeError
            ``addr`` is no text.
        ZMQError
            EINVAL: no endpoint, or an address that cannot be. EPROTONOSUPPORT: no such transport,
            or its extra is not installed. ENOCOMPATPROTO: not for this type of socket. ENOTSOCK,
            ETERM.

        Notes
        -----
        libzmq's ``zmq_connect(3)``. It is tried again after RECONNECT_IVL milliseconds.
        """
        text = to_address(addr)
        self.live().connect(text)

    def unbind(self, addr):
        """Accept no more peers at ``addr``, and part with those that came by it.

        Parameters
        ----------
        addr : str or bytes
            As it was bound, or as LAST_ENDPOINT told it.

        Raises
        ------
        ZMQError
            ENOENT: the socket is not bound there. EINVAL, ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_unbind(3)``.
        """
        text = to_address(addr)
        self.live().unbind(text)

    def disconnect(self, addr):
        """Part with the peer at ``addr``; what was sent to it is delivered within LINGER.

        Parameters
        ----------
        addr : str or bytes
            As it was connected.

        Raises
        ------
        ZMQError
            ENOENT: the socket is not connected there. EINVAL, ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_disconnect(3)``.
        """
        text = to_address(addr)
        self.live().disconnect(text)

    def monitor(self, addr, events=0xFFFF):
        """Publish what happens to the connections, on a PAIR at an inproc address.

        Parameters
        ----------
        addr : str, bytes or None
            ``inproc://...``; None stops it.
        events : int
            Which: ``zmq.EVENT_CONNECTED`` and its like, or-ed; all by default.

        Raises
        ------
        ZMQError
            EPROTONOSUPPORT: not an inproc address. EADDRINUSE, EINVAL, ENOTSOCK, ETERM.

        See Also
        --------
        zmq.utils.monitor.parse_monitor_message

        Notes
        -----
        libzmq's ``zmq_socket_monitor(3)``, version 1 of its messages.
        """
        text = None if addr is None else to_address(addr)
        self.live().monitor(text, as_int(events))

    def join(self, group):
        """Join a RADIO-DISH group: a draft, and not there.

        Parameters
        ----------
        group : str

        Raises
        ------
        RuntimeError
            Always, as in a pyzmq without drafts.
        """
        raise RuntimeError("libzmq and pyzmq must be built with draft support")

    def leave(self, group):
        """Leave a RADIO-DISH group: a draft, and not there.

        Parameters
        ----------
        group : str

        Raises
        ------
        RuntimeError
            Always, as in a pyzmq without drafts.
        """
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
        data : bytes, Frame or contiguous buffer
            What to send.
        flags : int
            ``zmq.NOBLOCK``: do not wait. ``zmq.SNDMORE``: other frames of the same message follow.
        copy : bool
            False references the buffer until it is written; do not change it before.
        track : bool
            Return a MessageTracker that tells when that is (with ``copy=False``).
        routing_id, group : None
            Of draft sockets.

        Returns
        -------
        MessageTracker or None
            None with ``copy=True``, unless ``data`` is a tracked Frame.

        Raises
        ------
        TypeError
            Text (send it by ``send_string``), None, or no buffer.
        BufferError
            The buffer is not contiguous.
        ValueError
            ``track`` with a Frame that is not tracked.
        RuntimeError
            ``routing_id`` or ``group``: there are no drafts.
        ZMQError
            EAGAIN (``zmq.Again``): no room within SNDTIMEO milliseconds, or at once with NOBLOCK.
            EFSM: not the turn of this REQ or REP to send. EHOSTUNREACH: a ROUTER with
            ROUTER_MANDATORY, or a STREAM, has no such peer. ENOTSUP: a PULL or SUB. ENOTSOCK: the
            socket is closed. ETERM (``zmq.ContextTerminated``).

        Notes
        -----
        libzmq's ``zmq_msg_send(3)``; whom it goes to, RFC 28 to 31 say. Accepted is not yet
        delivered: that is done in the background, and after ``close`` within LINGER.
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
        """Send a sequence of frames as one message, wholly or not at all.

        Parameters
        ----------
        msg_parts : sequence of bytes, Frame or contiguous buffer
            One frame at least.
        flags : int
            ``zmq.NOBLOCK``, ``zmq.SNDMORE``.
        copy, track : bool
            As of :meth:`send`, for each frame.
        **kwargs
            Ignored: ``routing_id`` and ``group`` of draft sockets.

        Returns
        -------
        MessageTracker or None
            Of the last frame.

        Raises
        ------
        TypeError
            Something in it is no buffer; the text tells which frame.
        IndexError
            It is empty.
        ZMQError
            As :meth:`send`.
        """
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
        """Receive one frame; RCVMORE tells whether others of its message follow.

        Parameters
        ----------
        flags : int
            ``zmq.NOBLOCK``: do not wait.
        copy : bool
            False returns a Frame, with the message's properties, instead of bytes.
        track : bool
            Give that Frame a tracker.

        Returns
        -------
        bytes or Frame
            The frame; a Frame where ``copy`` is false.

        Raises
        ------
        ZMQError
            EAGAIN (``zmq.Again``): nothing came within RCVTIMEO milliseconds, or is there with
            NOBLOCK. EFSM: not the turn of this REQ or REP to receive. ENOTSUP: a PUSH or PUB.
            ENOTSOCK: the socket is closed. ETERM (``zmq.ContextTerminated``).

        Notes
        -----
        libzmq's ``zmq_msg_recv(3)``. Who waits in a hub's greenlet may be killed or timed out by
        gevent; the socket stays usable, and no message is lost.
        """
        if self._closed:
            raise zmq_error(ENOTSOCK)
        # So that what is no number is refused in the pure build, too.
        content = self.core.recv_frame(flags | 0)
        if copy:
            return content if type(content) is bytes else content.bytes
        return self.to_frame(content, track, self.core.more)

    def recv_multipart(self, flags=0, copy=True, track=False):
        """Receive a whole message, or what is left of one whose first frames were received.

        Parameters
        ----------
        flags : int
            ``zmq.NOBLOCK``.
        copy, track : bool
            As of :meth:`recv`.

        Returns
        -------
        list of bytes or Frame
            Its frames, in order.

        Raises
        ------
        ZMQError
            As :meth:`recv`.
        """
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
        """The Frame of what was received, with what its peer tells."""
        frame = self.frame_class(track=track)
        frame.take(content)
        frame.more = more
        pipe = self.core.pattern.last_pipe
        if pipe is not None:
            frame.metadata = pipe.metadata
        return frame

    def recv_into(self, buffer, /, *, nbytes=0, flags=0):
        """Receive one frame into ``buffer``.

        .. versionadded:: 0.1 whichever pyzmq is installed; pyzmq's own is of 26.4.

        Parameters
        ----------
        buffer : writable, contiguous buffer
            Where to.
        nbytes : int, bytes
            At most so many; 0 is the size of the buffer.
        flags : int
            As of :meth:`recv`.

        Returns
        -------
        int, bytes
            Size of the frame; if that is larger, the rest is lost.

        Raises
        ------
        ValueError
            ``nbytes`` is negative, or more than the buffer has.
        BufferError
            The buffer cannot be written to, or is not contiguous.
        ZMQError
            As :meth:`recv`.

        Notes
        -----
        libzmq's ``zmq_recv(3)``.
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
    """The repr of what is shown in an error."""
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
            ours = "int" if row is None else row.kind
            kind = getattr(_OptType, ours, _OptType.int)
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
    """A container of sockets, as pyzmq asks it of a backend; both doors derive theirs.

    .. versionadded:: 0.1

    Parameters
    ----------
    io_threads : int
        Native threads for the I/O of a program that is not monkey-patched; the hub engine has none.
    shadow : int
        ``underlying`` of a living context, to be another object for it.

    Raises
    ------
    ValueError
        ZLINK_ENGINE in the environment is neither hub, thread nor auto.
    ZMQError
        EINVAL: ``io_threads`` is negative. EFAULT: there is no context to shadow.

    Notes
    -----
    pyzmq's ``zmq/backend/__init__.pyi``, libzmq's ``zmq_ctx_new(3)``.
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
        """The address (int) by which another object can shadow this context.

        As pyzmq's ``Context.underlying``, which is libzmq's ``void *``; no C code can use this one.
        """
        return self.core.address

    @property
    def handle(self):
        """:attr:`underlying`, by pyzmq's older name."""
        return self.underlying

    def term(self):
        """Terminate: calls on open sockets raise ETERM; wait until all are closed and flushed.

        How long what was accepted is waited for, each socket's LINGER says (ms; -1 is for ever).
        In a forked child it returns at once.

        See Also
        --------
        destroy

        Notes
        -----
        libzmq's ``zmq_ctx_term(3)``.
        """
        if self.closed or os.getpid() != self._pid:
            return
        if being_deleted():
            self.core.abandon()
        else:
            self.core.term()
        self.closed = True

    def set(self, option, optval):
        """Set a context option, by its number.

        Parameters
        ----------
        option : int
            ``zmq.IO_THREADS``, ``zmq.MAX_SOCKETS``, ...
        optval : int
            Its value.

        Raises
        ------
        TypeError, OverflowError
            The value is no C int.
        RuntimeError
            The context was terminated.
        ZMQError
            EINVAL: there is no such option, or not this value.

        Notes
        -----
        libzmq's ``zmq_ctx_set(3)``. IO_THREADS counts until the first bind or connect.
        """
        if self.closed:
            raise RuntimeError("Context has been destroyed")
        if not isinstance(optval, int):
            raise TypeError(f"expected int, got: {optval!r}")
        self.core.set(as_int(option), as_int(optval))

    def get(self, option):
        """A context option, by its number.

        Parameters
        ----------
        option : int
            ``zmq.IO_THREADS``, ``zmq.MAX_SOCKETS``, ``zmq.SOCKET_LIMIT``, ...

        Returns
        -------
        int
            Its value.

        Raises
        ------
        RuntimeError
            The context was terminated.
        ZMQError
            EINVAL: there is no such option.

        Notes
        -----
        libzmq's ``zmq_ctx_get(3)``.
        """
        if self.closed:
            raise RuntimeError("Context has been destroyed")
        return self.core.get(as_int(option))

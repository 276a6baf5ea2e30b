"""Socket: a handle on a core socket."""

import os

from zlinkcompat._backend.arguments import as_int, option_bits, shorten, snapshot, to_address
from zlinkcompat._backend.context import Context
from zlinkcompat._backend.foreign_objects import refuse_asker, refuse_other
from zlinkcompat._backend.frame import Frame, default_copy_threshold
from zlinkcompat._backend.lifetime import being_deleted, refuse_to_pickle
from zlinkcompat._backend.pinned import finished_tracker
from zlinkcompat._constants import RCVMORE, SNDMORE
from zlinkcompat.core.registry import socket_at
from zlinkcompat.core.socket import CoreSocket
from zlinkcompat.errors import ENOTSOCK, zmq_error


class Socket:
    """A socket, as pyzmq asks it of a backend; both entry points derive theirs.

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

    __slots__ = (
        "context",
        "core",
        "_closed",
        "_shadow",
        "_pid",
        "copy_threshold",
        "frame_class",
        "_has_own_methods",
        "__weakref__",
    )

    def __init__(self, context=None, socket_type=-1, shadow=0, copy_threshold=None):
        self._closed = False
        self._shadow = bool(shadow)
        self._has_own_methods = False
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
            refuse_other(context, "a Context")
            raise TypeError(f"a Context must be specified, not {context!r}")
        if isinstance(socket_type, (str, bytes)) or not hasattr(socket_type, "__int__"):
            raise TypeError(
                "socket_type must be a constant such as zmq.PUB (an integer is "
                f"required), not {socket_type!r}"
            )
        if socket_type < 0:
            raise TypeError("socket_type must be specified")
        self.core = CoreSocket(context.core, int(socket_type))

    def __reduce__(self):
        refuse_to_pickle(self)

    def choose_frame_class(self):
        """What ``recv(copy=False)`` returns: a subclass of Frame."""
        import zmq

        # Through the backend pyzmq's Frame is a subclass of ours.
        return zmq.Frame if issubclass(zmq.Frame, Frame) else Frame

    @property
    def underlying(self):
        """The address (int) by which another object can shadow this socket; 0 when closed.

        As pyzmq's ``Socket.underlying``, which is libzmq's ``void *``. This one is beyond all
        pointers, so that libzmq refuses it. TypeError if a class of libzmq's pyzmq asks.
        """
        refuse_asker(self)
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
            copied = not copy and len(data) < self.copy_threshold
            return data, finished_tracker() if copied else None
        if isinstance(data, Frame):
            if track and not data.tracker:
                raise ValueError("Not a tracked message")
            return data.content, data.tracker
        if isinstance(data, str):
            raise TypeError("unicode not allowed, use send_string")
        if copy:
            # A mutable buffer is snapshotted once, as the user was promised.
            return data if type(data) is bytes else snapshot(data), None
        if data is None:
            raise TypeError("bytes or a buffer is needed, not None")
        try:
            frame = Frame(data, track, None, self.copy_threshold)
        except ValueError as error:
            raise BufferError(str(error)) from None  # as pyzmq, without copying
        # As pyzmq: done if it was copied after all, and none that nobody asked for.
        copied = type(frame.content) is bytes
        return frame.content, finished_tracker() if copied else frame.tracker

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
            None with ``copy=True``, unless ``data`` is a tracked Frame; and with ``copy=False``,
            unless ``track``, for what is not below ``copy_threshold``.

        Raises
        ------
        TypeError
            Text (send it by ``send_string``), None, or no buffer.
        BufferError, ValueError
            The buffer is not contiguous; ValueError is numpy's.
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

    def overrides_send(self):
        """Tell whether this socket sends frames by a method of its class or its own."""
        return self._has_own_methods or type(self).send is not plain_send

    def overrides_recv(self):
        """Tell whether this socket receives frames by a method of its class or its own."""
        return self._has_own_methods or type(self).recv is not plain_recv

    def send_multipart(self, msg_parts, flags=0, copy=True, track=False, **kwargs):
        """Send a sequence of frames as one message, wholly or not at all.

        Where a subclass has a ``send`` of its own, each frame goes through that, as in pyzmq.

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
        if self.overrides_send():
            return self.send_by_frames(msg_parts, flags, copy, track)
        return self.send_whole(msg_parts, flags, copy, track)

    def _send_multipart(self, msg_parts, flags, copy, track):
        """:meth:`send_multipart`, for a class whose ``send`` is no part of it."""
        return self.send_whole(msg_parts, flags, copy, track)

    def send_by_frames(self, msg_parts, flags, copy, track):
        """Send each frame by ``self.send``. Source: pyzmq ``Socket.send_multipart``."""
        for index, part in enumerate(msg_parts):
            try:
                memoryview(part)
            except TypeError:
                refuse_frame(index, part)
        for part in msg_parts[:-1]:
            self.send(part, SNDMORE | flags, copy=copy, track=track)
        return self.send(msg_parts[-1], flags, copy=copy, track=track)

    def send_whole(self, msg_parts, flags, copy, track):
        """Send all frames at once."""
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
                tracker = None
                continue
            try:
                content, tracker = self.to_content(part, copy, track)
            except TypeError:
                refuse_frame(len(frames), part)
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
        gevent; the socket stays usable, and no message is lost. After a signal's handler it goes
        on, unless that raises: EINTR is not told.
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

        Where a subclass has a ``recv`` of its own, each frame comes through that, as in pyzmq.

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
        if self.overrides_recv():
            return self.recv_by_frames(flags, copy, track)
        return self.recv_whole(flags, copy, track)

    def _recv_multipart(self, flags, copy, track):
        """:meth:`recv_multipart`, for a class whose ``recv`` is no part of it."""
        return self.recv_whole(flags, copy, track)

    def recv_by_frames(self, flags, copy, track):
        """Receive each frame by ``self.recv``. Source: pyzmq ``Socket.recv_multipart``."""
        frames = [self.recv(flags, copy=copy, track=track)]
        while self.get(RCVMORE):
            frames.append(self.recv(flags, copy=copy, track=track))
        return frames

    def recv_whole(self, flags, copy, track):
        """Receive all frames at once."""
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


#: What the multipart methods call where it is overridden.
OVERRIDABLE = ("send", "recv")
plain_send = Socket.send
plain_recv = Socket.recv


def refuse_frame(index, part):
    """TypeError for a part of a message that is no buffer."""
    raise TypeError(
        f"Frame {index} ({shorten(part)}) does not support the buffer interface."
    ) from None

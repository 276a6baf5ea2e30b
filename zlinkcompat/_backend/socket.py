"""Socket: a handle on a core socket."""

import os

from zlinkcompat._backend.arguments import as_int, option_bits, shorten, snapshot, to_address
from zlinkcompat._backend.context import Context
from zlinkcompat._backend.foreign_objects import refuse_asker, refuse_other
from zlinkcompat._backend.frame import Frame, default_copy_threshold
from zlinkcompat._backend.lifetime import being_deleted, refuse_to_pickle
from zlinkcompat._backend.pinned import finished_tracker
from zlinkcompat._constants import RCVMORE, SNDMORE
from zlinkcompat.core.naming import name_of
from zlinkcompat.core.registry import socket_at
from zlinkcompat.core.socket import CoreSocket
from zlinkcompat.errors import ENOTSOCK, zmq_error


class Socket:
    """A socket with the interface of a pyzmq backend. Both entry points derive from it.

    .. versionadded:: 0.1

    Parameters
    ----------
    context : Context
        The context of the socket.
    socket_type : int
        ``zmq.PAIR`` (0) to ``zmq.STREAM`` (11).
    shadow : int
        The ``underlying`` of a live socket, to make this object a shadow of it.
    copy_threshold : int, bytes
        With ``copy=False``, smaller frames are still copied; None means ``zmq.COPY_THRESHOLD``.

    Raises
    ------
    TypeError
        The context or the type is missing.
    ZMQError
        EINVAL: the type is unknown. EMFILE: MAX_SOCKETS sockets are open. ETERM: the context is
        being terminated. EFAULT: it is closed. ENOTSOCK: the socket to shadow does not exist.

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
        """Return the class of frames that ``recv(copy=False)`` returns, a subclass of Frame."""
        import zmq

        # On the backend, pyzmq's Frame is a subclass of ours.
        return zmq.Frame if issubclass(zmq.Frame, Frame) else Frame

    @property
    def underlying(self):
        """The address (int) by which another object can shadow this socket; 0 if it is closed.

        It is pyzmq's ``Socket.underlying``, which is a ``void *`` of libzmq. This value is larger
        than any pointer, so that libzmq refuses it. TypeError: a class of pyzmq with libzmq asks.
        """
        refuse_asker(self)
        return 0 if self._closed else self.core.address

    @property
    def handle(self):
        """The same as :attr:`underlying`, under pyzmq's older name."""
        return self.underlying

    @property
    def closed(self):
        """Whether this object or another closed the socket; pyzmq's ``Socket.closed``."""
        try:
            if not self._closed and (self.core is None or self.core.closed):
                self._closed = True
            return self._closed
        except AttributeError:
            # In the pure build, __init__ was interrupted.
            return True

    def live(self):
        """Return the core socket; raise ENOTSOCK if this object was closed."""
        if self._closed:
            raise zmq_error(ENOTSOCK)
        return self.core

    def close(self, linger=None):
        """Close the socket. This returns at once; accepted messages are delivered within LINGER.

        Parameters
        ----------
        linger : int, milliseconds, optional
            Set LINGER first; -1 means no limit.

        Raises
        ------
        TypeError, OverflowError
            ``linger`` is not a C int.

        Notes
        -----
        libzmq's ``zmq_close(3)``. Closing a closed socket has no effect. In a forked child this has
        no effect either, because the connections belong to the parent.
        """
        # In a forked child, the connections belong to the parent.
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
            The kind and the unit depend on the option.

        Raises
        ------
        TypeError
            The value is of the wrong kind; use ``set_string`` for text.
        OverflowError
            The value does not fit the option's C type.
        ZMQError
            EINVAL: the option is unknown, is read-only, does not apply to this type of socket, does
            not allow the value, or promises security that this build lacks. ENOTSOCK: the socket is
            closed. ETERM: its context was terminated.

        Notes
        -----
        libzmq's ``zmq_setsockopt(3)``, which tells when an option takes effect: usually at the next
        bind or connect.
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
        """Return a socket option, by its number.

        Parameters
        ----------
        option : int
            ``zmq.LINGER``, ...

        Returns
        -------
        int or bytes
            The kind depends on the option.

        Raises
        ------
        ZMQError
            EINVAL: the option is unknown or write-only. ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_getsockopt(3)``.
        """
        return self.live().get(as_int(option))

    @property
    def ssl_context(self):
        """The user's own ``ssl.SSLContext`` for future tls and wss endpoints, or None.

        libzmq does not have this option.

        Raises
        ------
        ZMQError
            ENOTSOCK: the socket is closed.
        """
        return self.live().options.ssl_context

    @ssl_context.setter
    def ssl_context(self, context):
        self.live().options.ssl_context = context

    @property
    def name(self):
        """The name (str) of this socket in records, dumps, metrics and logs.

        By default it is the type, and the file and line of the program that made the socket, such
        as "PUB feed.py:12". It may be set to any object, whose ``str()`` is the name. All shadows
        of a socket have the same name. libzmq does not have names.
        """
        return name_of(self.core)

    @name.setter
    def name(self, name):
        self.core.label = name

    # -- endpoints -------------------------------------------------------------------------

    def bind(self, addr):
        """Accept peers at ``addr``.

        Parameters
        ----------
        addr : str or bytes
            ``transport://address``. ``tcp://127.0.0.1:*`` uses a free port, which LAST_ENDPOINT
            returns.

        Raises
        ------
        TypeError
            ``addr`` is not text.
        ZMQError
            EINVAL: ``addr`` is not an endpoint, or a ``tls`` server has no certificate.
            EPROTONOSUPPORT: the transport is unknown, or its extra is not installed.
            ENOCOMPATPROTO: this type of socket cannot use the transport. EADDRINUSE, EADDRNOTAVAIL,
            ENODEV, ENAMETOOLONG, EACCES, ...: errors of the operating system. ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_bind(3)``. It refuses an ipc path on which a process listens (EADDRINUSE).
        """
        text = to_address(addr)
        self.live().bind(text)

    def connect(self, addr):
        """Connect to ``addr``. This returns at once; the socket keeps trying until it succeeds.

        Parameters
        ----------
        addr : str or bytes
            ``transport://address``.

        Raises
        ------
        TypeError
            ``addr`` is not text.
        ZMQError
            EINVAL: ``addr`` is not an endpoint, or its address is invalid. EPROTONOSUPPORT: the
            transport is unknown, or its extra is not installed. ENOCOMPATPROTO: this type of socket
            cannot use the transport. ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_connect(3)``. A failed attempt is repeated after RECONNECT_IVL milliseconds.
        """
        text = to_address(addr)
        self.live().connect(text)

    def unbind(self, addr):
        """Stop accepting peers at ``addr``, and disconnect those that were accepted there.

        Parameters
        ----------
        addr : str or bytes
            The endpoint as it was bound, or as LAST_ENDPOINT returned it.

        Raises
        ------
        ZMQError
            ENOENT: the socket is not bound to it. EINVAL, ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_unbind(3)``.
        """
        text = to_address(addr)
        self.live().unbind(text)

    def disconnect(self, addr):
        """Disconnect from ``addr``; messages that were sent to it are delivered within LINGER.

        Parameters
        ----------
        addr : str or bytes
            The endpoint as it was connected.

        Raises
        ------
        ZMQError
            ENOENT: the socket is not connected to it. EINVAL, ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_disconnect(3)``.
        """
        text = to_address(addr)
        self.live().disconnect(text)

    def monitor(self, addr, events=0xFFFF):
        """Publish events of the connections on a PAIR at an inproc address.

        Parameters
        ----------
        addr : str, bytes or None
            ``inproc://...``; None stops the monitor.
        events : int
            The events: ``zmq.EVENT_CONNECTED`` and others, or-ed; all by default.

        Raises
        ------
        ZMQError
            EPROTONOSUPPORT: ``addr`` is not an inproc address. EADDRINUSE, EINVAL, ENOTSOCK, ETERM.

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
        """Join a RADIO-DISH group, a draft feature that is not supported.

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
        """Leave a RADIO-DISH group, a draft feature that is not supported.

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
        """Return the object that the core sends for ``data``, and the tracker to return."""
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
            # Copy a mutable buffer now, so that the user may change it after the call.
            return data if type(data) is bytes else snapshot(data), None
        if data is None:
            raise TypeError("bytes or a buffer is needed, not None")
        try:
            frame = Frame(data, track, None, self.copy_threshold)
        except ValueError as error:
            raise BufferError(str(error)) from None  # as in pyzmq without copying
        # As in pyzmq: a finished tracker if the data was copied, and None if none was requested.
        copied = type(frame.content) is bytes
        return frame.content, finished_tracker() if copied else frame.tracker

    def send(self, data, flags=0, copy=True, track=False, routing_id=None, group=None):
        """Send one frame.

        Parameters
        ----------
        data : bytes, Frame or contiguous buffer
            The data to send.
        flags : int
            ``zmq.NOBLOCK``: do not wait. ``zmq.SNDMORE``: further frames of this message follow.
        copy : bool
            False references the buffer until it is written; do not change it before that.
        track : bool
            Return a MessageTracker, which is done when the buffer is released (``copy=False``).
        routing_id, group : None
            Parameters of draft sockets.

        Returns
        -------
        MessageTracker or None
            With ``copy=True``: None, unless ``data`` is a tracked Frame. With ``copy=False``: a
            tracker, unless ``track`` is false and the data is not below ``copy_threshold``.

        Raises
        ------
        TypeError
            The data is text (use ``send_string``), None, or not a buffer.
        BufferError, ValueError
            The buffer is not contiguous; numpy raises ValueError.
        ValueError
            ``track`` was given with a Frame that is not tracked.
        RuntimeError
            ``routing_id`` or ``group`` was given, but drafts are not supported.
        ZMQError
            EAGAIN (``zmq.Again``): no room within SNDTIMEO milliseconds, or at once with NOBLOCK.
            EFSM: this REQ or REP must receive first. EHOSTUNREACH: a ROUTER with ROUTER_MANDATORY,
            or a STREAM, has no such peer. ENOTSUP: the socket is a PULL or SUB. ENOTSOCK: the
            socket is closed. ETERM (``zmq.ContextTerminated``).

        Notes
        -----
        libzmq's ``zmq_msg_send(3)``. RFC 28 to 31 define which peer receives it. The call accepts
        the frame; delivery happens in the background, and after ``close`` within LINGER.
        """
        if self._closed:
            raise zmq_error(ENOTSOCK)
        if type(data) is bytes and copy and routing_id is None and group is None:
            self.core.sender.send_frame(data, flags)
            return None
        if routing_id is not None or group is not None:
            raise RuntimeError("libzmq and pyzmq must be built with draft support")
        content, tracker = self.to_content(data, copy, track)
        self.core.sender.send_frame(content, flags)
        return tracker

    def overrides_send(self):
        """Tell whether ``send`` is overridden in this socket's class or on the socket itself."""
        return self._has_own_methods or type(self).send is not plain_send

    def overrides_recv(self):
        """Tell whether ``recv`` is overridden in this socket's class or on the socket itself."""
        return self._has_own_methods or type(self).recv is not plain_recv

    def send_multipart(self, msg_parts, flags=0, copy=True, track=False, **kwargs):
        """Send a sequence of frames as one message, completely or not at all.

        If a subclass has its own ``send``, that sends each frame, as in pyzmq.

        Parameters
        ----------
        msg_parts : sequence of bytes, Frame or contiguous buffer
            At least one frame.
        flags : int
            ``zmq.NOBLOCK``, ``zmq.SNDMORE``.
        copy, track : bool
            As in :meth:`send`, for each frame.
        **kwargs
            Ignored: ``routing_id`` and ``group`` of draft sockets.

        Returns
        -------
        MessageTracker or None
            The tracker of the last frame.

        Raises
        ------
        TypeError
            An element is not a buffer; the text tells which one.
        IndexError
            The sequence is empty.
        ZMQError
            As in :meth:`send`.
        """
        if self.overrides_send():
            return self.send_by_frames(msg_parts, flags, copy, track)
        return self.send_whole(msg_parts, flags, copy, track)

    def _send_multipart(self, msg_parts, flags, copy, track):
        """Implement :meth:`send_multipart` for a class whose ``send`` must not be used for it."""
        return self.send_whole(msg_parts, flags, copy, track)

    def send_by_frames(self, msg_parts, flags, copy, track):
        """Send each frame with ``self.send``. Source: pyzmq ``Socket.send_multipart``."""
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
            # As in pyzmq, which needs a sequence.
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
            raise IndexError("send_multipart: a message must have at least one frame")
        self.core.sender.send_message(frames, flags)
        return tracker

    def recv(self, flags=0, copy=True, track=False):
        """Receive one frame. RCVMORE tells whether further frames of its message follow.

        Parameters
        ----------
        flags : int
            ``zmq.NOBLOCK``: do not wait.
        copy : bool
            False returns a Frame with the message's properties instead of bytes.
        track : bool
            Give the Frame a tracker.

        Returns
        -------
        bytes or Frame
            The frame, as a Frame if ``copy`` is false.

        Raises
        ------
        ZMQError
            EAGAIN (``zmq.Again``): no message within RCVTIMEO milliseconds, or at once with
            NOBLOCK. EFSM: this REQ or REP must send first. ENOTSUP: the socket is a PUSH or PUB.
            ENOTSOCK: the socket is closed. ETERM (``zmq.ContextTerminated``).

        Notes
        -----
        libzmq's ``zmq_msg_recv(3)``. gevent may kill a greenlet that waits here, or raise a Timeout
        in it; the socket stays usable, and no message is lost. After a signal handler the call
        continues unless the handler raises; it does not raise EINTR.
        """
        if self._closed:
            raise zmq_error(ENOTSOCK)
        # The operation rejects flags that are not a number, in the pure build as well.
        content = self.core.receiver.recv_frame(flags | 0)
        if copy:
            return content if type(content) is bytes else content.bytes
        return self.to_frame(content, track, self.core.receiver.more)

    def recv_multipart(self, flags=0, copy=True, track=False):
        """Receive a whole message, or the rest of one whose first frames were received.

        If a subclass has its own ``recv``, that receives each frame, as in pyzmq.

        Parameters
        ----------
        flags : int
            ``zmq.NOBLOCK``.
        copy, track : bool
            As in :meth:`recv`.

        Returns
        -------
        list of bytes or Frame
            The frames in order.

        Raises
        ------
        ZMQError
            As in :meth:`recv`.
        """
        if self.overrides_recv():
            return self.recv_by_frames(flags, copy, track)
        return self.recv_whole(flags, copy, track)

    def _recv_multipart(self, flags, copy, track):
        """Implement :meth:`recv_multipart` for a class whose ``recv`` must not be used for it."""
        return self.recv_whole(flags, copy, track)

    def recv_by_frames(self, flags, copy, track):
        """Receive each frame with ``self.recv``. Source: pyzmq ``Socket.recv_multipart``."""
        frames = [self.recv(flags, copy=copy, track=track)]
        while self.get(RCVMORE):
            frames.append(self.recv(flags, copy=copy, track=track))
        return frames

    def recv_whole(self, flags, copy, track):
        """Receive all frames at once."""
        if self._closed:
            raise zmq_error(ENOTSOCK)
        frames = self.core.receiver.recv_message(flags | 0)
        last = len(frames) - 1
        for index in range(last + 1):
            content = frames[index]
            if not copy:
                frames[index] = self.to_frame(content, track, index < last)
            elif type(content) is not bytes:
                frames[index] = content.bytes
        return frames

    def to_frame(self, content, track, more):
        """Return a Frame for a received content, with the metadata of its peer."""
        frame = self.frame_class(track=track)
        frame.take(content)
        frame.more = more
        pipe = self.core.pattern.last_pipe
        if pipe is not None:
            frame.metadata = pipe.metadata
        return frame

    def recv_into(self, buffer, /, *, nbytes=0, flags=0):
        """Receive one frame into ``buffer``.

        .. versionadded:: 0.1 with any installed pyzmq; pyzmq itself has it since 26.4.

        Parameters
        ----------
        buffer : writable, contiguous buffer
            The buffer to fill.
        nbytes : int, bytes
            The maximum number of bytes; 0 means the size of the buffer.
        flags : int
            As in :meth:`recv`.

        Returns
        -------
        int, bytes
            The size of the frame. If it exceeds ``nbytes``, the rest is lost.

        Raises
        ------
        ValueError
            ``nbytes`` is negative, or exceeds the size of the buffer.
        BufferError
            The buffer is read-only or not contiguous.
        ZMQError
            As in :meth:`recv`.

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
        content = core.receiver.recv_frame(flags | 0)
        count = min(len(content), nbytes or room)
        if count:
            source = content if type(content) is bytes else content.buffer
            view.cast("B")[:count] = source[:count]
        return len(content)


#: Methods that the multipart methods call if they are overridden.
OVERRIDABLE = ("send", "recv")
plain_send = Socket.send
plain_recv = Socket.recv


def refuse_frame(index, part):
    """Raise TypeError for a frame that is not a buffer."""
    raise TypeError(
        f"Frame {index} ({shorten(part)}) does not support the buffer interface."
    ) from None

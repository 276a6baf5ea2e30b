"""Socket: a handle on a core socket that sends and receives messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from zlinkcompat._backend.arguments import shorten, snapshot
from zlinkcompat._backend.frame import Frame, default_copy_threshold
from zlinkcompat._backend.pinned import finished_tracker
from zlinkcompat._backend.socket_handle import SocketHandle
from zlinkcompat._constants import RCVMORE, SNDMORE
from zlinkcompat.errors import ENOTSOCK, zmq_error

if TYPE_CHECKING:
    from collections.abc import Sequence


class Socket(SocketHandle):
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

    __slots__ = ("copy_threshold", "frame_class", "_has_own_methods")

    def __init__(
        self,
        context: Any = None,
        socket_type: Any = -1,
        shadow: int = 0,
        copy_threshold: Any = None,
    ) -> None:
        self._has_own_methods = False
        if copy_threshold is None:
            copy_threshold = default_copy_threshold()
        self.copy_threshold = copy_threshold
        self.frame_class = self.choose_frame_class()
        SocketHandle.__init__(self, context, socket_type, shadow)

    def choose_frame_class(self) -> type[Any]:
        """Return the class of frames that ``recv(copy=False)`` returns, a subclass of Frame."""
        import zmq

        # On the backend, pyzmq's Frame is a subclass of ours.
        return zmq.Frame if issubclass(zmq.Frame, Frame) else Frame

    def to_content(self, data: Any, copy: bool, track: bool) -> Any:
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
        # As in pyzmq, return a finished tracker if the data was copied, and None if no tracker was
        # requested.
        copied = type(frame.content) is bytes
        return frame.content, finished_tracker() if copied else frame.tracker

    def send(
        self,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: Any = None,
        group: Any = None,
    ) -> Any:
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
            With ``copy=True``: the tracker of a tracked Frame, else None. With ``copy=False``: a
            tracker if ``track`` is true, or if the data is smaller than ``copy_threshold``.

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

    def overrides_send(self) -> bool:
        """Tell whether ``send`` is overridden in this socket's class or on the socket itself."""
        return self._has_own_methods or type(self).send is not plain_send

    def overrides_recv(self) -> bool:
        """Tell whether ``recv`` is overridden in this socket's class or on the socket itself."""
        return self._has_own_methods or type(self).recv is not plain_recv

    def send_multipart(
        self,
        msg_parts: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **kwargs: Any,
    ) -> Any:
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

    def _send_multipart(self, msg_parts: list[Any], flags: int, copy: bool, track: bool) -> Any:
        """Do the work of :meth:`send_multipart`.

        A subclass whose ``send`` cannot be used replaces it."""
        return self.send_whole(msg_parts, flags, copy, track)

    def send_by_frames(self, msg_parts: Sequence[Any], flags: int, copy: bool, track: bool) -> Any:
        """Send each frame with ``self.send``. Source: pyzmq ``Socket.send_multipart``."""
        for index, part in enumerate(msg_parts):
            try:
                memoryview(part)
            except TypeError:
                refuse_frame(index, part)
        for part in msg_parts[:-1]:
            self.send(part, SNDMORE | flags, copy=copy, track=track)
        return self.send(msg_parts[-1], flags, copy=copy, track=track)

    def send_whole(self, msg_parts: Sequence[Any], flags: int, copy: bool, track: bool) -> Any:
        """Send all frames at once."""
        if self._closed:
            raise zmq_error(ENOTSOCK)
        if not isinstance(msg_parts, (list, tuple)):
            # Like pyzmq, require a sequence.
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

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
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
        # ``| 0`` raises TypeError if ``flags`` is not a number, in both builds.
        content = self.core.receiver.recv_frame(flags | 0)
        if copy:
            return content if type(content) is bytes else content.bytes
        return self.to_frame(content, track, self.core.receiver.more)

    def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
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

    def _recv_multipart(self, flags: int, copy: bool, track: bool) -> list[Any]:
        """Do the work of :meth:`recv_multipart`.

        A subclass whose ``recv`` cannot be used replaces it."""
        return self.recv_whole(flags, copy, track)

    def recv_by_frames(self, flags: int, copy: bool, track: bool) -> list[Any]:
        """Receive each frame with ``self.recv``. Source: pyzmq ``Socket.recv_multipart``."""
        frames = [self.recv(flags, copy=copy, track=track)]
        while self.get(RCVMORE):
            frames.append(self.recv(flags, copy=copy, track=track))
        return frames

    def recv_whole(self, flags: int, copy: bool, track: bool) -> list[Any]:
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

    def to_frame(self, content: Any, track: bool, more: bool) -> Any:
        """Return a Frame for a received content, with the metadata of its peer."""
        frame = self.frame_class(track=track)
        frame.take(content)
        frame.more = more
        pipe = self.core.pattern.last_pipe
        if pipe is not None:
            frame.metadata = pipe.metadata
        return frame

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> Any:
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


def refuse_frame(index: int, part: object) -> NoReturn:
    """Raise TypeError for a frame that is not a buffer."""
    raise TypeError(
        f"Frame {index} ({shorten(part)}) does not support the buffer interface."
    ) from None

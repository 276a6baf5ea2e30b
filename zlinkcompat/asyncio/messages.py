"""The methods of asynchronous sockets that are on the message path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._backend import Socket as Blocking
from zlinkcompat._constants import NOBLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence


class MessageMethods:
    """The send and receive methods of :class:`zlinkcompat.asyncio.Socket`.

    A subclass has ``_waiting``, a :class:`PendingOperations` or None, and ``_operate``, which
    begins any operation.
    """

    __slots__ = ()

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one frame.

        Parameters
        ----------
        flags : int
            With ``zmq.NOBLOCK`` the future is done at once.
        copy, track : bool
            As in :meth:`zlinkcompat.Socket.recv`.

        Returns
        -------
        Future of bytes or Frame
            The frame, as a Frame if ``copy`` is false.

        Raises
        ------
        ZMQError
            From the future. EAGAIN: no message within RCVTIMEO milliseconds, or at once with
            NOBLOCK. EFSM: a REQ or REP must send first. ENOTSUP: the type only sends. ENOTSOCK:
            the socket is closed. ETERM: its context was terminated.
        RuntimeError
            The call must wait, the context has no I/O threads, and the loop is not monkey-patched.
        """
        waiting = self._waiting
        if copy and not flags and waiting is not None:
            future = waiting.recv_bytes(False)
            if future is not None:
                return future
        return self._operate(False, Blocking.recv, (self, flags | NOBLOCK, copy, track), flags)

    def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive a whole message.

        Parameters
        ----------
        flags : int
            With ``zmq.NOBLOCK`` the future is done at once.
        copy, track : bool
            As in :meth:`zlinkcompat.Socket.recv`.

        Returns
        -------
        Future of list of bytes or Frame
            The frames in order.

        Raises
        ------
        ZMQError, RuntimeError
            As in :meth:`recv`.
        """
        waiting = self._waiting
        if copy and not flags and waiting is not None:
            future = waiting.recv_bytes(True)
            if future is not None:
                return future
        return self._operate(
            False, Blocking._recv_multipart, (self, flags | NOBLOCK, copy, track), flags
        )

    def send(
        self, data: Any, flags: int = 0, copy: bool = True, track: bool = False, **kwargs: Any
    ) -> Any:
        """Send one frame.

        Parameters
        ----------
        data : bytes, Frame or contiguous buffer
            The data to send.
        flags : int
            With ``zmq.NOBLOCK`` the future is done at once.
        copy, track : bool
            As in :meth:`zlinkcompat.Socket.send`.
        **kwargs
            Ignored: ``routing_id`` and ``group`` of draft sockets.

        Returns
        -------
        Future of MessageTracker or None
            It is done when the message is accepted.

        Raises
        ------
        TypeError
            From the future: ``data`` is not bytes, a Frame or a buffer.
        ZMQError
            From the future. EAGAIN: no room within SNDTIMEO milliseconds, or at once with NOBLOCK.
            EFSM: a REQ or REP must receive first. EHOSTUNREACH: a ROUTER with ROUTER_MANDATORY, or
            a STREAM, has no such peer. ENOTSUP: the type only receives. ENOTSOCK: the socket is
            closed. ETERM: its context was terminated.
        RuntimeError
            The call must wait, the context has no I/O threads, and the loop is not monkey-patched.
        """
        if type(data) is bytes and not flags and copy:
            waiting = self._waiting
            if waiting is not None:
                future = waiting.send_frame(data)
                if future is not None:
                    return future
        return self._operate(True, Blocking.send, (self, data, flags | NOBLOCK, copy, track), flags)

    def send_multipart(
        self,
        msg_parts: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Send a sequence of frames as one message, completely or not at all.

        Parameters
        ----------
        msg_parts : sequence of bytes, Frame or contiguous buffer
            At least one frame.
        flags : int
            With ``zmq.NOBLOCK`` the future is done at once.
        copy, track : bool
            As in :meth:`zlinkcompat.Socket.send_multipart`.
        **kwargs
            Ignored: ``routing_id`` and ``group`` of draft sockets.

        Returns
        -------
        Future of MessageTracker or None
            It is done when the message is accepted.

        Raises
        ------
        TypeError, ZMQError, RuntimeError
            As in :meth:`send`.
        """
        return self._operate(
            True, Blocking._send_multipart, (self, msg_parts, flags | NOBLOCK, copy, track), flags
        )

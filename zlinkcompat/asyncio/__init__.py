"""``import zlinkcompat.asyncio``: sockets for coroutines, in place of ``zmq.asyncio``.

``send``, ``recv`` and ``poll`` return futures. I/O threads open and accept the connections, and
then lend them to the event loop, which reads and writes them itself. An event loop that cannot
watch file descriptors leaves the I/O to the threads. A shadow of a socket of the hub engine is an
exception: its connections stay in that hub, which runs only if the event loop is monkey-patched.

A message is taken from the socket only if there is a future for it, so a cancelled future loses no
message. A *task* can lose one: if it is cancelled after its future is done and before the task runs
again, it never sees the result. asyncio cannot return the result, and ``zmq.asyncio`` cannot
either. So if ``asyncio.wait_for``, ``asyncio.timeout`` or ``Task.cancel`` may interrupt a ``recv``
and no message may be lost, set RCVTIMEO, or keep the future: ``asyncio.wait([future],
timeout=...)``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from zmq.asyncio import Future as Future
from zmq.asyncio import ProactorSelectorThreadWarning as ProactorSelectorThreadWarning
from zmq.asyncio import SelectorEventLoop as SelectorEventLoop
from zmq.asyncio import WeakKeyDictionary as WeakKeyDictionary
from zmq.asyncio import ZMQEventLoop as ZMQEventLoop
from zmq.asyncio import _selectors as _selectors
from zmq.asyncio import install as install

import zlinkcompat as zmq
from zlinkcompat import _future
from zlinkcompat._backend import poll
from zlinkcompat._pyzmq.asyncio_fairness import HUB_AT_REST
from zlinkcompat._runtime.gevent_support import hub_runs_under
from zlinkcompat._sugar import context as context_module
from zlinkcompat._sugar import names as _names
from zlinkcompat._sugar import poll as poller_module
from zlinkcompat._sugar import socket as socket_module
from zlinkcompat._sugar.names import *  # noqa: F403
from zlinkcompat.asyncio.messages import MessageMethods
from zlinkcompat.asyncio.operations import Operation, PendingOperations, PollWaiter, complete
from zlinkcompat.errors import ENOTSOCK, zmq_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.core.socket import CoreSocket


__all__ = _names.__all__

Blocking = socket_module.Socket

#: A plain int: using pyzmq's enum takes longer than everything else for a message.
NOBLOCK = int(zmq.NOBLOCK)


def can_wait(core: CoreSocket, loop: Any) -> bool:
    """Tell whether the socket's I/O continues while the loop waits, by I/O threads or the hub."""
    return core.io_threads is not None or hub_runs_under(loop)


class Socket(MessageMethods, _future._AsyncSocket):
    """A socket whose ``send``, ``recv`` and ``poll`` return futures.

    Any number of coroutines of one loop may wait in it, and are served in order. A cancelled future
    loses no message, but a task that is cancelled after its future is done may (see Notes). If the
    socket is used in another loop, it cancels the futures of the previous loop.

    .. versionadded:: 0.1

    Parameters
    ----------
    context : Context or Socket
        If it is a blocking Socket, the new object is a shadow of it.
    socket_type : int
        ``zmq.PAIR`` (0) to ``zmq.STREAM`` (11).
    io_loop : None
        Ignored, as in pyzmq, because the running loop is used.
    _from_socket : Socket
        pyzmq's other parameter for the socket to shadow.
    **kwargs
        The parameters of :class:`zlinkcompat.Socket`.

    Notes
    -----
    pyzmq's ``zmq.asyncio.Socket``. As in pyzmq, ``Task.cancel``, ``asyncio.wait_for`` and
    ``asyncio.timeout`` lose the result of a future that is done but not yet awaited: a received
    message, or whether one was sent. RCVTIMEO and SNDTIMEO lose nothing.
    ``asyncio.wait([future], timeout=...)`` loses nothing either: the future can be awaited again.

    Examples
    --------
    >>> import asyncio
    >>> import zlinkcompat as zmq
    >>> import zlinkcompat.asyncio
    >>> async def main():
    ...     with zlinkcompat.asyncio.Context() as context:
    ...         with context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as other:
    ...             port = one.bind_to_random_port("tcp://127.0.0.1")
    ...             with other.connect(f"tcp://127.0.0.1:{port}"):
    ...                 await other.send(b"hello")
    ...                 return await one.recv()
    >>> asyncio.run(main())
    b'hello'
    """

    # Derive from pyzmq's base only for isinstance checks; nothing of its polling is used.
    _waiting = None
    getsockopt = Blocking.get

    def __init__(
        self,
        context: Any = None,
        socket_type: Any = -1,
        io_loop: Any = None,
        _from_socket: Any = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(context, Blocking):
            context, _from_socket = None, context
        if _from_socket is not None:
            Blocking.__init__(self, shadow=_from_socket, **kwargs)
        else:
            Blocking.__init__(self, context, socket_type, **kwargs)

    @classmethod
    def from_socket(cls, socket: Any, io_loop: Any = None) -> Socket:
        """Return an asynchronous shadow of a blocking socket.

        Parameters
        ----------
        socket : zlinkcompat.Socket
            A socket of a context with I/O threads, unless the loop is monkey-patched.
        io_loop : None
            Ignored, because the running loop is used.

        Returns
        -------
        Socket
            Another object for the same socket.

        Raises
        ------
        TypeError
            ``socket`` is closed.

        Notes
        -----
        pyzmq's ``zmq.asyncio.Socket.from_socket``.
        """
        return cls(_from_socket=socket)

    def close(self, linger: int | None = None) -> None:
        """Close the socket and cancel its pending futures.

        Parameters
        ----------
        linger : int, milliseconds, optional
            Set LINGER first, the time for delivering accepted messages; -1 means no limit.

        Notes
        -----
        pyzmq's ``zmq.asyncio.Socket.close``.
        """
        waiting = self._waiting
        if waiting is not None and not self._closed:
            waiting.cancel()
            self.__dict__["_waiting"] = None
        Blocking.close(self, linger)

    def get(self, key: Any) -> Any:
        """Return an option, as the base class does; the parameter has ``zmq.asyncio``'s name.

        Parameters
        ----------
        key : int
            One of pyzmq's constants.

        Returns
        -------
        int or bytes
            The value; its kind depends on the option.

        Raises
        ------
        ZMQError
            EINVAL: the option is unknown or write-only.
        """
        return Blocking.get(self, key)

    @property
    def _shadow_sock(self) -> Any:
        return Blocking.shadow(self.underlying)  # type: ignore[attr-defined]

    @property
    def _recv_futures(self) -> list[Operation]:
        waiting = self._waiting
        return [] if waiting is None else [*waiting.receiving, *waiting.polling]

    @property
    def _send_futures(self) -> list[Operation]:
        return [] if self._waiting is None else list(self._waiting.sending)

    # -- operations ------------------------------------------------------------------------

    def _wait_in(self, loop: Any) -> PendingOperations:
        waiting = self._waiting
        if waiting is None or waiting.loop is not loop:
            if not can_wait(self.core, loop):
                raise RuntimeError(HUB_AT_REST)
            if waiting is not None:
                waiting.cancel()
            waiting = self.__dict__["_waiting"] = PendingOperations(self.core, loop)
        return waiting

    def _operate(
        self, sends: bool, call: Callable[..., Any], args: tuple[Any, ...], flags: int
    ) -> Future[Any]:
        loop = asyncio.get_event_loop()
        if flags & NOBLOCK or self._closed:
            future = loop.create_future()
            try:
                future.set_result(call(*args))
            except Exception as error:
                future.set_exception(error)
            return future
        waiting = self._waiting
        if waiting is None or waiting.loop is not loop:
            waiting = self._wait_in(loop)
        return waiting.begin(sends, call, args)

    def recv_into(self, buf: Any, /, *, nbytes: int = 0, flags: int = 0) -> Any:
        """Receive one frame into a buffer.

        Parameters
        ----------
        buf : writable, contiguous buffer
            The buffer to fill; do not use it until the future is done.
        nbytes : int, bytes
            The maximum number of bytes; 0 means the size of the buffer.
        flags : int
            As in :meth:`zlinkcompat.Socket.recv`.

        Returns
        -------
        Future of int, bytes
            The size of the frame. If it exceeds ``nbytes``, the rest is lost.

        Raises
        ------
        BufferError, TypeError, ValueError
            From the future: ``buf`` is not writable, or is smaller than ``nbytes``.
        ZMQError, RuntimeError
            As in :meth:`recv`.
        """

        def call() -> Any:
            return Blocking.recv_into(self, buf, nbytes=nbytes, flags=flags | NOBLOCK)

        return self._operate(False, call, (), flags)

    def _deserialize(self, recvd: Future[Any], load: Callable[..., Any]) -> Future[Any]:
        # Convert at once, or when recvd completes. If a second future did it, a cancel in
        # between would lose the message.
        if recvd.done():
            if recvd.cancelled() or recvd.exception() is not None:
                return recvd
            future = recvd.get_loop().create_future()
            complete(future, load, recvd.result())
            return future
        waiting: Any = self._waiting
        for operation in reversed(waiting.receiving if waiting is not None else ()):
            if operation.future is recvd:
                operation.load = load
                return recvd
        return asyncio.ensure_future(self._loaded(recvd, load))

    async def _loaded(self, recvd: Any, load: Callable[..., Any]) -> Any:
        # A subclass has its own recv().
        return load(await recvd)

    def poll(self, timeout: int | None = None, flags: int = zmq.POLLIN) -> Any:
        """Wait until the socket is ready.

        Parameters
        ----------
        timeout : int, milliseconds
            None or a negative value means no limit.
        flags : int
            The events to wait for: POLLIN, POLLOUT, or-ed.

        Returns
        -------
        Future of int
            The ready events of ``flags``; 0 after ``timeout``.

        Raises
        ------
        ZMQError
            From the future. ENOTSOCK: the socket is closed. ETERM: its context was terminated.
        RuntimeError
            The call must wait, the context has no I/O threads, and the loop is not monkey-patched.

        Notes
        -----
        pyzmq's ``zmq.asyncio.Socket.poll``.
        """
        loop = asyncio.get_event_loop()
        future = loop.create_future()
        operation = Operation(future, self._look, (flags,))
        if operation.attempt():
            return future
        if timeout == 0:
            future.set_result(0)
            return future
        waiting = self._wait_in(loop)
        waiting.add(waiting.polling, operation)
        if timeout is not None and timeout > 0:
            waiting.expire_after(timeout, future, None)
        return future

    def _look(self, flags: int) -> int:
        events = self.core.events(int(flags))
        if not events:
            raise zmq.Again
        return events


class Poller(poller_module.Poller):
    """A poller whose ``poll`` returns a future.

    .. versionadded:: 0.1

    Notes
    -----
    pyzmq's ``zmq.asyncio.Poller``.
    """

    def poll(self, timeout: float | None = -1) -> Any:
        """Wait for events.

        Parameters
        ----------
        timeout : int, milliseconds
            None or a negative value means no limit.

        Returns
        -------
        Future of list of (Socket or int, int)
            The ready objects and their events; empty after ``timeout``.

        Raises
        ------
        ZMQError
            From the future. ENOTSOCK: a socket is closed. ETERM: its context was terminated.
        RuntimeError
            From the future: it must wait for a socket of a context without I/O threads, and the
            loop is not monkey-patched.

        Notes
        -----
        pyzmq's ``zmq.asyncio.Poller.poll``.
        """
        return asyncio.ensure_future(self._poll(timeout))

    async def _poll(self, timeout: Any) -> list[tuple[Socket, int]]:
        blocking = [thing for thing, _ in self.sockets if isinstance(thing, Blocking)]
        if timeout != 0 and any(socket.closed for socket in blocking):
            raise zmq_error(ENOTSOCK)  # as in pyzmq, which asks for its descriptor
        ready = poll.zmq_poll(self.sockets, 0)
        if ready or timeout == 0:
            return ready
        loop = asyncio.get_running_loop()
        cores = [socket.core for socket in blocking]
        if not all(can_wait(core, loop) for core in cores):
            raise RuntimeError(HUB_AT_REST)
        waiting = PollWaiter(loop)
        changed = waiting.changed
        descriptors = [
            (thing, events) for thing, events in self.sockets if not isinstance(thing, Blocking)
        ]
        deadline = None if timeout is None or timeout < 0 else loop.time() + timeout / 1000
        try:
            waiting.add_to(cores)
            for thing, events in descriptors:
                if events & (zmq.POLLIN | zmq.POLLERR | zmq.POLLPRI):
                    loop.add_reader(thing, changed.set)
                if events & zmq.POLLOUT:
                    loop.add_writer(thing, changed.set)
            while True:
                changed.clear()
                if any(socket.closed for socket in blocking):
                    raise asyncio.CancelledError  # as pyzmq does for a closed socket
                ready = poll.zmq_poll(self.sockets, 0)
                if ready:
                    return ready
                if deadline is None:
                    await changed.wait()
                    continue
                try:
                    await asyncio.wait_for(changed.wait(), max(0, deadline - loop.time()))
                except TimeoutError:
                    return poll.zmq_poll(self.sockets, 0)
        finally:
            waiting.remove()
            for thing, _ in descriptors:
                loop.remove_reader(thing)
                loop.remove_writer(thing)


Socket._poller_class = Poller


class Context(context_module.Context):
    """A context of :class:`Socket`, always with I/O threads.

    .. versionadded:: 0.1

    Parameters
    ----------
    io_threads : int or Context
        The number of native I/O threads. If it is a Context, the new object is a shadow of it.
    shadow : Context or int
        The ``underlying`` of another object.

    Raises
    ------
    ZMQError
        EINVAL: ``io_threads`` is negative. EFAULT: the context to shadow does not exist.

    Notes
    -----
    pyzmq's ``zmq.asyncio.Context``.
    """

    _engine = "thread"
    _instance = None
    _socket_class = Socket

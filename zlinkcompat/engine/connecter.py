"""A connecter: keeps one connected endpoint connected, in one greenlet.

Between two connections the connecter owns the pipe. Messages that the socket sends during this time
wait in the pipe, up to the high-water mark.
"""

from __future__ import annotations

import random
from errno import ECONNREFUSED, ECONNRESET, EINPROGRESS, EPIPE, ETIMEDOUT
from time import monotonic
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit, greenlet

from zlinkcompat._constants import (
    EVENT_CLOSED,
    EVENT_CONNECT_DELAYED,
    EVENT_CONNECT_RETRIED,
    EVENT_CONNECTED,
    RECONNECT_STOP_AFTER_DISCONNECT,
    RECONNECT_STOP_CONN_REFUSED,
    RECONNECT_STOP_HANDSHAKE_FAILED,
    SUB,
    XSUB,
)
from zlinkcompat._runtime.log_limiter import LogLimiter
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.engine import interrupts, protocols
from zlinkcompat.engine.resolver import getaddrinfo
from zlinkcompat.engine.session import Session
from zlinkcompat.wire import socks
from zlinkcompat.wire.errors import (
    TLS_CERTIFICATE,
    ZAP_UNSPECIFIED,
    AuthenticationFailed,
    ProtocolError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.engine.connection import Connection
    from zlinkcompat.routing.pipe import Pipe


LOG = Log("zlinkcompat.engine")


# Events of the loop's watchers.
READABLE = 1
WRITABLE = 2

#: If RECONNECT_IVL_MAX is not set and the peer rejects each attempt for a reason that retrying does
#: not change, the pauses between attempts grow to this many milliseconds.
REFUSED_IVL_MAX = 10_000


class Connecter(Session):
    """One connected endpoint.

    Parameters
    ----------
    socket, loop, options
        As for :class:`Session`.
    transport : module
        A module of ``zlinkcompat.transports``.
    address
        The result of ``transport.parse``.
    endpoint : str
        The endpoint as the user wrote it.

    RECONNECT_IVL, RECONNECT_IVL_MAX, CONNECT_TIMEOUT (all in milliseconds), RECONNECT_STOP and
    IMMEDIATE work as in libzmq's ``zmq_setsockopt(3)``, with one addition: while RECONNECT_IVL_MAX
    is 0 and the peer rejects us (wrong key, mechanism or socket type), the pauses double up to
    :data:`REFUSED_IVL_MAX`.
    """

    def __init__(
        self,
        socket: CoreSocket,
        loop: Any,
        transport: ModuleType,
        address: Any,
        options: Options,
        endpoint: str,
    ) -> None:
        link = transport.Link(address, options, False)
        protocols.load(link.protocol, options.mechanism)
        Session.__init__(self, socket, loop, options, endpoint, link, LogLimiter())
        self.transport = transport
        self.address = address
        self.stopped = False
        self.stops_when_sent = False
        self.has_begun = False
        self.has_ended = False
        self.parked = False
        self.is_resolving = False
        self.interval = options.reconnect_ivl
        self.was_refused = False
        if not options.immediate:
            self.own_pipe(socket.peers.make_pipe(self, b"", None, True))
        loop.call(self.start)

    def start(self) -> None:
        self.greenlet = greenlet(self.run_to_end, self.loop.hub)
        self.loop.gevent_loop.run_callback(self.loop.call_guarded, self.greenlet.switch)

    def own_pipe(self, pipe: Pipe) -> None:
        """Make this connecter the owner of the pipe, because there is no connection."""
        self.pipe = pipe
        if pipe is not None:
            pipe.sink = self
            pipe.note_stopped()

    # -- the greenlet ----------------------------------------------------------------------

    def run_to_end(self) -> None:
        if self.has_ended:
            return
        self.has_begun = True
        try:
            self.run()
        except Exception:
            LOG.exception(
                "%s: unexpected error: the endpoint will not be connected again", self.endpoint
            )
        finally:
            self.end()

    def end(self) -> None:
        """End the pipe, and leave the socket."""
        self.has_ended = True
        if self.pipe is not None:
            self.pipe.terminate()
        self.finish()

    def run(self) -> None:
        while not self.stopped:
            try:
                self.run_once()
                if self.stopped or self.options.reconnect_ivl < 0:
                    return
                self.wait_before_retry()
            except BaseException as error:
                if not interrupts.is_interrupt(error):
                    raise
                # The interrupt belongs to the program. It is not a reason to give up the endpoint.
                interrupts.raise_in_main_greenlet(self.loop.hub)

    def run_once(self) -> None:
        """Connect once. If that succeeds, serve the connection until it ends."""
        self.was_refused = False
        sock = self.dial()
        if sock is not None:
            self.peer_address = self.transport.peer_address(sock)
            self.identifier = self.transport.peer_endpoint(sock)
            connection = self.open_connection(sock)
            self.event(EVENT_CONNECTED, self.fd)
            connection.run()
        self.opening = False

    def dial(self) -> Any:
        """Make one connection attempt and return a connected socket object, or None."""
        sock = None
        fd = -1
        try:
            sock, connected = self.transport.start_connect(self.address, self.options, self.resolve)
            if not connected:
                self.event(EVENT_CONNECT_DELAYED, EINPROGRESS)
                self.wait_until_connected(sock)
                self.transport.finish_connect(sock)
            self.negotiate_proxy(sock)
            if not self.stopped:
                self.transport.tune(sock, self.options)
                return sock
        except OSError as error:
            if interrupts.is_interrupt(error):
                raise
            LOG.debug("%s: cannot connect: %s", self.endpoint, error.strerror or error)
            if (
                error.errno == ECONNREFUSED
                and self.options.reconnect_stop & RECONNECT_STOP_CONN_REFUSED
            ):
                self.stopped = True
            fd = getattr(error, "descriptor", -1)
        except GreenletExit:
            pass  # stop() was called during the name lookup
        if sock is not None:
            fd = sock.fileno()
            sock.close()
        if fd >= 0:
            self.event(EVENT_CLOSED, fd)
        return None

    def resolve(self, *args: Any) -> list[tuple[Any, Any, int, str, tuple[str, int]]]:
        """Call ``getaddrinfo`` in a way that :meth:`stop` can interrupt."""
        self.is_resolving = True
        try:
            return getaddrinfo(*args)
        finally:
            self.is_resolving = False

    def wait_until_connected(self, sock: Any) -> None:
        """Wait until the attempt has succeeded or failed, for at most CONNECT_TIMEOUT."""
        timeout_ms = self.options.connect_timeout
        if not self.wait_for_fd(sock, WRITABLE, timeout_ms / 1000.0 if timeout_ms > 0 else -1):
            raise OSError(ETIMEDOUT, "no connection within CONNECT_TIMEOUT")

    def negotiate_proxy(self, sock: Any) -> None:
        """If the other end is a SOCKS proxy, ask it to connect to the peer.

        HANDSHAKE_IVL limits the wait for a silent proxy. libzmq waits without a limit."""
        target = self.transport.beyond_proxy(self.address, self.options)
        if target is None:
            return
        options = self.options
        host, port = target
        steps = socks.dialogue(host, port, options.socks_username, options.socks_password)
        limit_ms = options.handshake_ivl
        deadline = monotonic() + limit_ms / 1000.0 if limit_ms > 0 else None
        heard = None
        while True:
            try:
                said, wanted = steps.send(heard)
            except StopIteration:
                return
            while said:
                sent = self.retry(sock, WRITABLE, deadline, sock.send, said)
                said = said[sent:]
            heard = b""
            while len(heard) < wanted:
                more = self.retry(sock, READABLE, deadline, sock.recv, wanted - len(heard))
                if not more:
                    raise OSError(ECONNRESET, "the SOCKS proxy closed the connection")
                heard += more

    def retry(
        self,
        sock: Any,
        event: int,
        deadline: float,
        call: Callable[..., Any],
        argument: bytes | int,
    ) -> Any:
        """Wait until ``sock`` is ready for ``event``, then return ``call(argument)``."""
        while True:
            try:
                return call(argument)
            except BlockingIOError:
                left = -1 if deadline is None else max(deadline - monotonic(), 0)
                if not self.wait_for_fd(sock, event, left):
                    raise OSError(ETIMEDOUT, "the SOCKS proxy does not answer") from None

    def wait_for_fd(self, sock: Any, event: int, seconds: float) -> bool:
        """Wait for ``sock``; False if it was not ready in ``seconds``. Negative means no limit."""
        watcher = self.loop.gevent_loop.io(sock.fileno(), event)
        try:
            # Start the watcher inside the try: a signal handler may raise right after the call.
            # libev aborts the process if a watcher outlives its descriptor.
            watcher.start(self.loop.call_guarded, self.wake)
            return self.park(seconds)
        finally:
            watcher.stop()
            watcher.close()

    def wait_before_retry(self) -> None:
        """Sleep for the current interval, which grows and has jitter as in libzmq."""
        options = self.options
        longest = options.reconnect_ivl_max
        if self.was_refused:
            longest = self.longest_when_refused()
        elif not longest:
            # The peer has ended or another one took its place, so earlier rejections do not count.
            self.interval = options.reconnect_ivl
        interval = self.interval
        if options.reconnect_ivl > 0:
            interval += random.randrange(options.reconnect_ivl)
        if longest > options.reconnect_ivl:
            self.interval = min(self.interval * 2 or int(self.was_refused), longest)
            interval = min(interval, longest)
        self.event(EVENT_CONNECT_RETRIED, interval)
        self.park(interval / 1000.0)

    def longest_when_refused(self) -> int:
        """Return the longest pause (ms) between attempts while the peer rejects them."""
        return self.options.reconnect_ivl_max or REFUSED_IVL_MAX

    def is_refusal(self, failure: Any) -> bool:
        """Tell whether a handshake failed for a reason that retrying does not change.

        A CURVE server closes without a message if the client has a wrong server key. So if the
        connection ends after the peer's greeting, that counts as a rejection."""
        if isinstance(failure, AuthenticationFailed):
            return failure.code == 400  # 300 and 500 are temporary (RFC 27)
        if isinstance(failure, ProtocolError):
            # Errors of our own ZAP handler and HTTP errors do not count, because they may be
            # temporary (503).
            return failure.code < ZAP_UNSPECIFIED or failure.code == TLS_CERTIFICATE
        handshake = self.handshake
        return (
            handshake is not None
            and handshake.greeted
            and getattr(failure, "errno", 0) in (EPIPE, ECONNRESET)
        )

    def consequence(self, failure: Any) -> str:
        if not self.was_refused or self.stopped or self.options.reconnect_ivl < 0:
            return ""
        text = ""
        if not isinstance(failure, ProtocolError) and self.handshake.mechanism.name == b"CURVE":
            text = " (CURVE_SERVERKEY may not be the key of this server)"
        longest = self.longest_when_refused()
        if longest > self.options.reconnect_ivl:
            text += f"; the next attempts are up to {longest / 1000:g} s apart"
        return text

    def park(self, seconds: float) -> bool:
        """Sleep until :meth:`wake` (True) or for ``seconds`` (False). Negative means no limit."""
        timer = self.loop.gevent_loop.timer(seconds) if seconds >= 0 else None
        self.woken = False
        try:
            if timer is not None:
                timer.start(self.loop.call_guarded, self.unpark)
            self.parked = True
            self.loop.hub.switch()
        finally:
            self.parked = False
            if timer is not None:
                timer.stop()
                timer.close()
        return self.woken

    def wake(self) -> None:
        self.woken = True
        self.unpark()

    def unpark(self) -> None:
        # This runs in the hub.
        if self.parked:
            self.greenlet.switch()
        elif self.is_resolving:
            self.greenlet.throw(GreenletExit)

    def abort(self) -> None:
        Session.abort(self)
        # This ends both kinds of wait: for a timer and for a watcher.
        self.parked = self.is_resolving = False
        self.stopped = True

    # -- called by the connection ----------------------------------------------------------

    def connection_ready(self, connection: Connection) -> None:
        routing_id, metadata = self.report_ready(connection)
        self.interval = self.options.reconnect_ivl
        if self.pipe is None:
            self.pipe = self.socket.peers.make_pipe(self, routing_id, metadata, True)
        else:
            self.socket.peers.identify_pipe(self.pipe, routing_id, metadata)
        self.activate(connection)
        if self.pipe is None:
            self.stopped = True
        elif self.stops_when_sent:
            connection.drain()

    def connection_ended(self, connection: Connection, failure: Any) -> None:
        options = self.options
        self.was_refused = not connection.handshake_done and self.is_refusal(failure)
        self.report_end(connection, failure)
        if (
            not connection.handshake_done
            and options.reconnect_stop & RECONNECT_STOP_HANDSHAKE_FAILED
        ):
            self.stopped = True
        pipe = self.pipe
        if pipe is None:
            return
        if connection.take_partial_write():
            # Drop a message of which a part was written. The peer may have closed because of this
            # message, and every new connection would send it again.
            pipe.give_up_first(pipe.why_unread())
        if pipe.peer_closed:
            # The socket is closed. Its unsent messages may need another connection, unless this
            # side ended the connection: then LINGER has expired, or all messages are sent.
            unsent = pipe.inq.tail != pipe.inq.head
            after_disconnect = options.reconnect_stop & RECONNECT_STOP_AFTER_DISCONNECT
            # Ask for LINGER here: a connection that had already failed when the socket was closed
            # did not ask.
            if failure is None or not unsent or after_disconnect or not self.lingers():
                self.stopped = True
            self.stops_when_sent = True
            self.own_pipe(pipe)
        elif self.stopped or options.reconnect_ivl < 0:
            pass  # run_to_end terminates the pipe
        elif options.immediate:
            pipe.terminate()
            self.pipe: Any = None
        else:
            self.own_pipe(pipe)
            if self.socket.socket_type in (SUB, XSUB):
                # The next connection must receive all subscriptions, and each only once.
                pipe.hiccup()

    # -- called by the pipe while there is no connection -------------------------------------

    def try_read(self, pipe: Pipe) -> int:
        return 0

    def read_activated(self, pipe: Pipe) -> None:
        # This is the first message that has to wait for a connection.
        pipe.note_stopped()

    def pipe_terminated(self, pipe: Pipe) -> None:
        # The socket was closed, or the endpoint was disconnected.
        unsent = pipe.inq.tail != pipe.inq.head
        if (
            not unsent
            or self.options.reconnect_stop & RECONNECT_STOP_AFTER_DISCONNECT
            or not self.lingers()
        ):
            self.stop()
        else:
            self.stops_when_sent = True

    def stop(self) -> None:
        """End the session now."""
        self.stopped = True
        if self.connection is not None:
            self.connection.close()
        elif not self.has_begun:
            # End at once instead of in the hub: a program may close thousands of sockets before
            # the hub runs again.
            if not self.has_ended:
                self.end()
        else:
            self.loop.gevent_loop.run_callback(self.loop.call_guarded, self.unpark)

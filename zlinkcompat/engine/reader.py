"""The reading half of a connection: from the stream, through the decoder, to the pipe.

The loop reads when the descriptor is readable. A receiver that finds its queue empty reads in its
own greenlet or thread (:meth:`Reader.try_read`). The guard ``reading`` lets one thread at a time
read. Reading never waits.
"""

from __future__ import annotations

from errno import ECONNRESET
from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import PUB, XPUB
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.counters import Counters
from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat._runtime.guard import Guard
from zlinkcompat.engine.errors import Disconnected
from zlinkcompat.engine.heartbeat import Heartbeat
from zlinkcompat.engine.lifecycle import CALLER_THREAD_IO, Lifecycle
from zlinkcompat.engine.loan import Loan
from zlinkcompat.engine.loop import IOLoop
from zlinkcompat.engine.loop_poller import LoopPoller
from zlinkcompat.engine.writer import Writer
from zlinkcompat.routing.message_queue import MessageQueue
from zlinkcompat.routing.pipe import Pipe
from zlinkcompat.transports.bytestream import ByteStream
from zlinkcompat.wire.ws.control import Close
from zlinkcompat.wire.zmtp.commands import Cancel, Error, Ping, Pong, Subscribe
from zlinkcompat.wire.zmtp.decoder import Decoder

if TYPE_CHECKING:
    from zlinkcompat.engine.connection import Connection


# The budget of a connection in one loop iteration. When it is spent, the rest of the input waits
# until the loop has served the other connections. Without a budget, frames that bring no message
# would keep the loop busy for as long as the peer sends them (tests/engine/test_budgets.py).

#: At most so many reads in a row while one large body arrives. Any other read that brings no
#: message is not repeated.
READ_BURST = 64

#: Nanoseconds after which the reads for a large body stop.
READ_TIME = 1_000_000

#: At most so many messages and commands are decoded in a row.
MESSAGE_BURST = 4096
COMMAND_BURST = 256

#: An I/O thread releases the GIL for this many seconds after a read that brought no message.
GIL_YIELD = 0.00005

#: While an application thread is busy-polling a stream, the I/O thread does not watch the stream
#: for this many seconds, or until the application thread goes to sleep.
WATCHER_PAUSE = 0.01

real_sleep = get_original("time", "sleep")


class Reader:
    """Reads the messages and commands of one connection.

    Parameters
    ----------
    connection : Lifecycle
    writer : Writer
        It sends the replies to commands.
    loan : Loan

    Attributes
    ----------
    reading : Guard
        Lets one thread at a time read.
    input_stopped : bool
        Whether reading waits for room in the pipe.
    has_undecoded : bool
        Whether decoding stopped because the budget was spent, while the decoder had more data.
    """

    def __init__(self, connection: Connection, writer: Writer, loan: Loan) -> None:
        self.connection = connection
        self.writer = writer
        self.loan = loan
        self.loop = connection.loop
        self.stream = connection.stream
        self.socket = connection.session.socket
        self.counters = connection.counters
        self.publishes = self.socket.socket_type in (PUB, XPUB)
        self.reading = Guard()
        # The handshake may have left input in the decoder.
        self.has_undecoded = True
        self.last_read_was_useless = False
        self.input_stopped = False
        self.command = None
        self.read_by_application = False
        self.watcher = self.loop.gevent_loop.io(self.stream.fd, 1)
        self.pause_timer: Any = None

    # -- reading ---------------------------------------------------------------------------

    def try_read(self, pipe: Pipe) -> int:
        """Read for a receiver that found its queue empty; see :meth:`PipeSink.try_read`."""
        if pipe.mailbox is not None:
            if not CALLER_THREAD_IO:
                return 0
            if self.reading.held:
                # Another thread is reading, and needs the GIL to continue.
                real_sleep(0)
                return 1
            self.read_by_application = True
        return self.serve_input()

    def serve_input(self) -> int:
        """Do the same as :meth:`read_messages`, and continue later if the budget is spent."""
        if not self.reading.try_enter():
            return 0
        try:
            count = self.read_messages()
        finally:
            self.reading.exit()
        if (
            (self.has_undecoded or self.stream.buffered)
            and not self.input_stopped
            and not self.connection.has_failed
        ):
            # The data has been read already, so the descriptor does not become readable for it.
            self.read_more(self.has_undecoded or self.last_read_was_useless)
        return count

    def serve_in_loop(self) -> None:
        """Do the same as :meth:`serve_input`, for an event loop, when no receiver asks for it."""
        if self.serve_input() > 0:
            self.connection.pipe.outq.mark(monotonic_ns())

    def read_messages(self) -> int:
        """Read available data, and move whole messages into the pipe, without waiting.

        Returns
        -------
        int
            1 if a message went into the pipe. 0 otherwise, even if the budget is spent.
        """
        if self.input_stopped:
            return 0
        connection = self.connection
        decoder = connection.decoder
        try:
            # Usually an earlier call has decoded everything.
            if (
                self.has_undecoded
                or self.command is not None
                or decoder.tail != decoder.head
                or decoder.body_size > 0
            ) and self.deliver():
                return 1
            began = 0
            for _ in range(READ_BURST):
                if self.input_stopped or self.has_undecoded or connection.has_failed:
                    self.last_read_was_useless = self.has_undecoded
                    return 0
                count = self.stream.read_into(decoder)
                if count < 0:
                    # This read found nothing, so give back the buffer that was taken for it.
                    decoder.release_if_empty()
                    if self.writer.write_error is not None:
                        connection.fail(self.writer.write_error)
                    return 0
                if count == 0:
                    connection.fail(Disconnected(0, "the peer closed the connection"))
                    return 0
                if connection.heartbeat is not None:
                    self.on_bytes_received()
                if self.deliver():
                    return 1
                if not decoder.is_receiving_body():
                    self.last_read_was_useless = True
                    return 0
                now = monotonic_ns()
                if began == 0:
                    began = now
                elif now - began > READ_TIME:
                    return 0
        except Exception as error:
            connection.fail_on_error(error)
            # A message may have gone into the pipe before the error, so let the receiver look.
            return 1
        return 0

    def on_bytes_received(self) -> None:
        """Reset the timers that watch for a silent peer, because bytes arrived."""
        heartbeat = self.connection.heartbeat
        if heartbeat is not None and heartbeat.is_armed():
            self.loop.call(heartbeat.reset_timers)

    def read_more(self, polls: bool) -> None:
        """Continue to read after other callbacks have run. The watcher would not call this.

        Parameters
        ----------
        polls : bool
            Whether the event loop must first poll the input of other connections."""
        poller = self.loan.poller
        if poller is None or not poller.serve_later(self.connection):
            self.connection.wake_to_read(polls)

    def yield_gil(self) -> None:
        """Let application threads run if the last read brought nothing for them.

        Between two reads an I/O thread releases the GIL only for some microseconds. A thread that
        waits for the GIL wakes up then, but too late to get it, and waits again. Without this
        method, that would go on for as long as a peer sends data without messages."""
        if self.last_read_was_useless:
            self.last_read_was_useless = False
            if self.loop.mailbox is not None:
                real_sleep(GIL_YIELD)

    # -- decoding --------------------------------------------------------------------------

    def deliver(self) -> int:
        """Move decoded messages into the pipe while there is room. Return their number.

        Set :attr:`has_undecoded` if decoding stopped because the budget was spent."""
        decoder = self.connection.decoder
        pipe = self.connection.pipe
        queue = pipe.outq
        count = 0
        commands = 0
        body = self.command
        # Each subscription that a publisher receives changes its trie. If this thread does that
        # (there is no mailbox), decode fewer of them in a row.
        burst = COMMAND_BURST if self.publishes and pipe.mailbox is None else MESSAGE_BURST
        self.has_undecoded = False
        room = 0
        alone = True
        try:
            while True:
                if room == 0:
                    room = queue.room()
                if room == 0:
                    if pipe.peer_closed:
                        pipe.discard_output()
                        continue
                    queue.writer_waits = True
                    room = queue.room()
                    if room == 0:
                        self.stop_input()
                        break
                if count >= burst or commands >= COMMAND_BURST:
                    self.has_undecoded = True
                    break
                if count and decoder.tail == decoder.head and decoder.body_size == 0:
                    decoder.release_if_empty()
                    break
                if body is None and not alone:
                    # After the first message, take all messages of the simplest kind at once.
                    messages = decoder.next_batch(min(room, burst - count))
                    if messages is not None:
                        queue.push_all(messages)
                        count += len(messages)
                        room -= len(messages)
                        continue
                    alone = True
                if body is None:
                    message = decoder.next()
                    if message is None:
                        decoder.release_if_empty()
                        break
                    if decoder.is_command:
                        body = message
                if body is not None:
                    # Keep the body, in case an interrupt of the program stops this call.
                    self.command = body
                    message = self.on_command(body)
                    self.command = body = None
                    if message is None:
                        commands += 1
                        if self.has_undecoded:
                            break
                        continue
                queue.push(message)
                room -= 1
                if count == 0:
                    alone = False
                count += 1
        finally:
            # Announce the messages even if a malformed frame follows them.
            if count:
                if self.counters is not None:
                    self.counters.messages_in += count
                if pipe.peer_closed:
                    # The socket is closed, so drop the messages. The stream is still read, to
                    # notice its end.
                    pipe.discard_output()
                    count = 0
                else:
                    pipe.flush()
                    if queue.tail - queue.head > 1:
                        # A receiver takes one at once, and the others wait for it.
                        queue.mark(monotonic_ns())
        return count

    def on_command(self, body: bytes) -> Subscribe | None:
        """Handle a command frame. Return the subscription that must go into the pipe, or None."""
        connection = self.connection
        command = connection.decoder.parse_command(body)
        kind = type(command)
        if kind is Subscribe or kind is Cancel:
            # Only publishers use subscriptions. Other sockets ignore them, like unknown commands.
            return command if self.publishes else None
        if kind is Ping:
            self.loop.call(self.on_ping, (command,))
            # Reply to one PING per loop iteration. If writing is blocked, only the last PING gets a
            # reply.
            self.has_undecoded = not connection.write_blocked
        elif kind is Close:
            self.writer.close_frame = connection.encoder.encode_command(command)
            raise Disconnected(0, "the peer closed the connection")
        elif kind is Error:
            raise Disconnected(ECONNRESET, "the peer sent ERROR: %r" % command.reason)
        return None

    def on_ping(self, command: Ping) -> None:
        connection = self.connection
        if not connection.has_failed:
            self.writer.send_heartbeat(Pong(command.context))
            if connection.heartbeat is None:
                connection.heartbeat = Heartbeat(connection, self.writer)
            connection.heartbeat.pinged(command.ttl_ds)

    # -- back pressure ---------------------------------------------------------------------

    def stop_input(self) -> None:
        """Stop reading because the pipe is full, so that the transport applies back pressure."""
        if not self.input_stopped:
            self.input_stopped = True
            self.connection.pipe.outq.mark(monotonic_ns())
            if self.loan.poller is not None:
                self.loan.ignore_input()
            else:
                self.loop.call(self.stop_watching)

    def on_room(self, pipe: Pipe) -> None:
        """Continue because the pipe has room again. First decode the data in the buffer."""
        connection = self.connection
        if not self.input_stopped:
            return
        if self.reading.held and pipe.mailbox is not None:
            # Another thread is reading right now.
            pipe.post_writable()
            return
        self.input_stopped = False
        if not self.reading.try_enter():
            # The pattern takes the messages of this call first. Deliver the rest in another call.
            self.has_undecoded = True
        else:
            try:
                if self.deliver():
                    # The decoded data may be old, but the peer may have sent more since then.
                    self.on_bytes_received()
            except Exception as error:
                connection.fail_on_error(error)
            finally:
                self.reading.exit()
        if not self.input_stopped and connection.is_active:
            self.watch_input()
            if self.has_undecoded or self.stream.buffered or self.writer.write_error is not None:
                self.read_more(False)

    # -- the watcher -----------------------------------------------------------------------

    def start(self) -> None:
        """Watch the descriptor for input: in the handshake, or while the last messages are sent."""
        self.input_stopped = False
        if not self.connection.has_failed:
            self.watcher.start(self.loop.call_guarded, self.on_fd_readable)

    def stop(self) -> None:
        self.watcher.stop()

    def watch_input(self) -> None:
        """Continue to read when there is something to read. Called from any thread."""
        if self.loan.poller is not None:
            self.loan.watch_input()
        else:
            self.loop.call(self.start_watching)

    def start_watching(self) -> None:
        assert self.loop.is_current()
        if self.loan.poller is None and not self.input_stopped and not self.connection.has_failed:
            self.watcher.start(self.loop.call_guarded, self.on_fd_readable)

    def stop_watching(self) -> None:
        assert self.loop.is_current()
        if self.input_stopped and not self.connection.has_failed:
            self.watcher.stop()

    def on_fd_readable(self) -> None:
        connection = self.connection
        if (
            self.read_by_application
            and self.socket.receiver.is_busy_polling
            and connection.is_active
        ):
            self.pause_watcher()
        elif connection.parked:
            connection.greenlet.switch()

    def pause_watcher(self) -> None:
        """Stop the watcher for a while, because an application thread busy-polls this connection.

        Otherwise each message would wake the I/O thread for nothing, and the two threads would
        compete for the GIL, which makes round trips several times slower."""
        assert self.loop.is_current()
        self.read_by_application = False
        self.watcher.stop()
        if self.pause_timer is None:
            self.pause_timer = self.loop.gevent_loop.timer(WATCHER_PAUSE)
            self.socket.receiver.paused_readers.append(self)
        self.pause_timer.start(self.loop.call_guarded, self.recheck_polling)

    def recheck_polling(self) -> None:
        if self.read_by_application and self.socket.receiver.is_busy_polling:
            self.read_by_application = False
            self.pause_timer.start(self.loop.call_guarded, self.recheck_polling)
        else:
            self.resume_watcher()

    def resume_watcher(self) -> None:
        """End the pause that :meth:`pause_watcher` began."""
        if self.pause_timer is None:
            return
        self.pause_timer.stop()
        self.pause_timer.close()
        self.pause_timer = None
        self.socket.receiver.paused_readers.remove(self)
        if not self.connection.has_failed and not self.input_stopped:
            self.watch_input()

    def close(self) -> None:
        """Stop the watcher and its timer."""
        self.resume_watcher()
        self.watcher.stop()
        self.watcher.close()

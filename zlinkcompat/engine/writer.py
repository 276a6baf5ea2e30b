"""The writing half of a connection: from the pipe, through the encoder, to the stream.

A sender writes in its own greenlet or thread (see :mod:`.write_policy`), and the loop writes what
is left. The guard ``writing`` lets one thread at a time write. Writing never waits: if the stream
is full, a watcher continues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.counters import Counters
from zlinkcompat._runtime.guard import Guard
from zlinkcompat.engine import interrupts
from zlinkcompat.engine.lifecycle import Lifecycle
from zlinkcompat.engine.loan import Loan
from zlinkcompat.routing.message_queue import MessageQueue
from zlinkcompat.routing.pipe import Pipe
from zlinkcompat.transports import sockets
from zlinkcompat.transports.bytestream import ByteStream
from zlinkcompat.tuning import Tuning
from zlinkcompat.wire.errors import ProtocolError
from zlinkcompat.wire.zmtp.encoder import Encoder

if TYPE_CHECKING:
    from zlinkcompat.engine.connection import Connection
    from zlinkcompat.wire.zmtp.commands import Ping, Pong


#: Nanoseconds after which a connection stops writing and waits for the next loop iteration. The
#: first two writes are not measured.
WRITE_TIME = 1_000_000

#: Nanoseconds for which the result of checking the connection's end stays valid.
END_CHECK_INTERVAL = 50_000

#: Messages that are passed to the encoder at once.
CHUNK = 128


class Writer:
    """Writes the messages and commands of one connection.

    Parameters
    ----------
    connection : Lifecycle
    loan : Loan

    Attributes
    ----------
    writing : Guard
        Lets one thread at a time write.
    is_batching : bool
        Whether the write policy holds messages back.
    """

    def __init__(self, connection: Connection, loan: Loan) -> None:
        self.connection = connection
        self.loan = loan
        self.stream = connection.stream
        self.tuning = connection.session.options.tuning
        self.counters = connection.counters
        self.writing = Guard()
        self.flush_requested = False
        self.is_batching = False
        self.written_upto = 0
        self.end_checked_at = 0
        self.control: Any = None
        self.close_frame = b""
        self.write_error: Any = None
        self.watcher: Any = None

    # -- messages --------------------------------------------------------------------------

    def flush(self) -> None:
        """Write the messages in the pipe, as far as the transport accepts them."""
        if not self.writing.try_enter():
            self.flush_requested = True
            return
        while True:
            self.flush_requested = False
            try:
                self.write_all()
            finally:
                self.writing.exit()
            if not self.flush_requested or not self.writing.try_enter():
                return

    def write_all(self) -> None:
        connection = self.connection
        self.is_batching = False
        if connection.write_blocked or not connection.may_write:
            return
        encoder = connection.encoder
        pipe = connection.pipe
        queue = pipe.inq
        offset = 0
        adds = False
        has_written = False
        began = 0
        try:
            while True:
                if encoder.pending == 0:
                    if self.control is not None and encoder.open_offset == 0:
                        self.add_control()
                    offset = 0
                    available = queue.tail - queue.head
                    if not self.tuning.write_batching:
                        available = min(available, 1)
                    queue.held = available
                    adds = True
                    while offset < available:
                        if available - offset == 1:
                            if encoder.add(queue.peek(offset)):
                                offset += 1
                            break
                        fits = encoder.add_all(queue.first(offset, min(available - offset, CHUNK)))
                        offset += encoder.accepted
                        encoder.accepted = 0
                        if not fits:
                            break
                    adds = False
                    if encoder.pending == 0:
                        if pipe.mailbox is not None and available == 0 and pipe.check_read():
                            continue
                        break
                    queue.held = min(offset + 1, available)
                    if offset and self.counters is not None:
                        self.counters.batch_flush_count += 1
                        self.counters.batched_messages += offset
                pending = encoder.pending
                if has_written:
                    # A peer that takes everything at once must not keep the others waiting.
                    now = monotonic_ns()
                    if began == 0:
                        began = now
                    elif now - began > WRITE_TIME:
                        self.await_writable()
                        return
                has_written = True
                count = self.stream.write_from(encoder)
                if count > 0:
                    connection.bytes_out += count
                    finished = encoder.advance(count)
                    if finished:
                        pipe.discard(finished)
                        if self.counters is not None:
                            self.counters.messages_out += finished
                if count < pending:
                    # A stream accepts less than all data only if it is full.
                    pipe.note_stopped()
                    self.await_writable()
                    return
        except Exception as error:
            # Do not raise in the sender: its message stays queued for the next connection.
            if interrupts.is_interrupt(error):
                raise
            if isinstance(error, (OSError, MemoryError)):
                self.write_failed(error)
                return
            connection.fail_on_error(error)
            if adds:
                offset += encoder.accepted
                encoder.accepted = 0
                # The message cannot be encoded, and would also end each later connection.
                if offset == 0:
                    encoder.reset()
                queue.bring_forward(offset)
                pipe.give_up_first("protocol")
            return
        if queue.head - self.written_upto == 1:
            # A single message was sent. If a reply follows, read it with one full-size read instead
            # of a header-sized one.
            connection.decoder.use_full_read_size()
        self.written_upto = queue.head
        if not connection.is_active:
            # The socket is closed, and everything that it left is written.
            connection.fail(None)

    def has_peer_closed(self, now: int) -> bool:
        """Check, before writing a lone message, whether the connection has ended meanwhile.

        The loop may not have polled since, because the program computes or the watcher is paused.
        The kernel would accept the message and lose it, so keep it for the next connection.
        """
        if now - self.end_checked_at < END_CHECK_INTERVAL:
            return False
        self.end_checked_at = now
        if not self.stream.has_ended():
            return False
        # Write nothing more. The reader reads the data before the end, and then finds the end.
        self.connection.write_blocked = True
        self.connection.wake()
        return True

    def write_failed(self, error: Exception) -> None:
        """Stop writing after an error, but read what the peer sent before.

        The connection ends at a failing read or, at the latest, when there is nothing to read."""
        connection = self.connection
        connection.write_blocked = True
        if not connection.is_active:
            connection.fail(error)
            return
        self.write_error = error
        connection.wake()

    # -- the stream is full ----------------------------------------------------------------

    def await_writable(self) -> None:
        """Continue when the descriptor is writable and the loop has served others."""
        self.connection.write_blocked = True
        if self.loan.poller is not None and self.loan.poller.is_current():
            self.loan.watch_output()
        else:
            self.connection.loop.call(self.watch_writable)

    def watch_writable(self) -> None:
        connection = self.connection
        assert connection.loop.is_current()
        if connection.has_failed:
            return
        if self.watcher is None:
            self.watcher = connection.loop.gevent_loop.io(self.stream.fd, 2)
        self.watcher.start(connection.loop.call_guarded, self.on_fd_writable)

    def on_fd_writable(self) -> None:
        self.watcher.stop()
        if self.connection.pipe is None:
            self.connection.write_blocked = False
            self.flush_control()
            self.connection.wake_in_loop()
            return
        self.resume()

    def resume(self) -> None:
        """Continue to write, because the descriptor is writable."""
        self.connection.write_blocked = False
        self.connection.pipe.inq.reader_waits = True
        self.flush()

    def flush_now(self) -> None:
        """Write what the kernel accepts now, because the loop may not run again to write later."""
        if self.connection.pipe is None or self.write_error is not None:
            return
        if not self.connection.write_blocked:
            self.flush()
        elif self.watcher is not None:
            self.on_fd_writable()

    # -- commands --------------------------------------------------------------------------

    def send_control(self, data: Ping | Pong | bytes) -> None:
        """Send encoded frames (greeting, READY), or a command between messages."""
        if self.control is None:
            self.control = []
        self.control.append(data)
        if self.connection.write_blocked:
            return
        if self.connection.pipe is not None:
            self.flush()
        else:
            self.flush_control()

    def send_heartbeat(self, command: Ping | Pong) -> None:
        """Send a Ping or Pong. For a peer that does not read, keep only the last of each."""
        if self.control is not None:
            kind = type(command)
            self.control = [each for each in self.control if type(each) is not kind]
        self.send_control(command)

    def add_control(self) -> None:
        control = self.control
        self.control = None
        encoder = self.connection.encoder
        for each in control:
            data = each if type(each) is bytes else encoder.encode_command(each)
            encoder.add_control(data)

    def flush_control(self) -> None:
        """Write during the handshake, when there is no pipe yet."""
        connection = self.connection
        encoder = connection.encoder
        while not connection.has_failed:
            try:
                if encoder.pending == 0:
                    if self.control is None:
                        return
                    self.add_control()
                pending = encoder.pending
                count = self.stream.write_from(encoder)
            except Exception as error:
                connection.fail_on_error(error)
                return
            if count > 0:
                connection.bytes_out += count
                encoder.advance(count)
            if count < pending:
                self.await_writable()
                return

    # -- what is not written yet -----------------------------------------------------------

    def has_unwritten(self) -> bool:
        """Tell whether the kernel has not accepted all data that is to be written."""
        return self.connection.encoder.pending > 0 or self.control is not None

    def acknowledged(self) -> int:
        """Return how many of the bytes written the peer's host has acknowledged.

        If the system does not tell, it is all of them. Over TLS it is a little less, because the
        kernel counts ciphertext."""
        return self.connection.bytes_out - sockets.unacknowledged(self.stream.fd)

    # -- end -------------------------------------------------------------------------------

    def send_close_frame(self) -> None:
        """Tell the peer why the connection ends, if the protocol can express it; never waits."""
        connection = self.connection
        encoder = connection.encoder
        failure = connection.failure
        try:
            if not encoder.pending and not connection.write_blocked:
                data = self.close_frame
                if isinstance(failure, ProtocolError):
                    data = failure.answer
                if not data and (connection.handshake_done or connection.pipe is not None):
                    data = encoder.close_frame(failure)
                if data:
                    encoder.add_control(data)
                    self.stream.write_from(encoder)
            self.stream.end()
        except (OSError, MemoryError):
            pass  # the peer is gone, or is not told everything

    def close(self) -> None:
        """Stop the watcher."""
        if self.watcher is not None:
            self.watcher.stop()
            self.watcher.close()

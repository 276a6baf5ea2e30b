"""A connection: one peer's byte stream and the protocol on it, served by one greenlet.

The greenlet performs the handshake. Then it sleeps on a persistent read watcher, and moves received
messages into the pipe. Two short cuts avoid greenlet and thread switches. A sender writes in its
own greenlet (:meth:`Connection.read_activated`, the write policy). A receiver that finds its queue
empty reads in its own greenlet (:meth:`Connection.try_read`). Neither ever blocks or switches.

Everything here runs in the thread of the engine's hub, except for these short cuts. With I/O
threads, application threads take them (only in the compiled build). A flag then guards each
direction, so that one thread at a time is in it. The GIL makes setting the flag one step, and is
held during the system call. Operations on the loop run only in the loop's thread (``engine.call``),
and assert that. Assertions are on in the pure build and with special flags (``tox -e sanitize``).
"""

from errno import ECONNRESET, EINTR, ETIMEDOUT

from greenlet import GreenletExit, getcurrent, greenlet

from zlinkcompat._constants import PUB, XPUB
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.compiled import COMPILED
from zlinkcompat._runtime.counters import Counters
from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.engine import interrupts
from zlinkcompat.engine.errors import Disconnected
from zlinkcompat.engine.handshake_driver import HandshakeDriver
from zlinkcompat.engine.heartbeat import Heartbeat
from zlinkcompat.engine.loop import IOLoop
from zlinkcompat.engine.loop_poller import READABLE, WRITABLE, LoopPoller
from zlinkcompat.routing.message_queue import MessageQueue
from zlinkcompat.routing.pipe import Pipe, PipeSink
from zlinkcompat.routing.sized_queue import frame_size
from zlinkcompat.transports import sockets
from zlinkcompat.transports.bytestream import ByteStream
from zlinkcompat.tuning import Tuning
from zlinkcompat.wire.errors import ProtocolError
from zlinkcompat.wire.ws.control import Close
from zlinkcompat.wire.zmtp.commands import Cancel, Error, Ping, Pong, Subscribe
from zlinkcompat.wire.zmtp.frames import Decoder, Encoder

# States. Messages flow in ACTIVE. In DRAINING, the messages of a closed socket are written.
HANDSHAKE = 0
ACTIVE = 1
DRAINING = 2
FAILED = 3
CLOSED = 4

# The budget of a connection in one loop iteration. When it is spent, the rest waits until the loop
# has served the others. Without it, frames without a message would keep the loop busy for as long
# as the peer sends them (tests/engine/test_budgets.py).

#: Reads in a row while one large body arrives. Other reads without a message are not repeated.
READ_BURST = 64

#: Nanoseconds after which the reads for a large body stop.
READ_TIME = 1_000_000

#: Nanoseconds after which a connection stops writing and waits for the next loop iteration. The
#: first two writes are not measured.
WRITE_TIME = 1_000_000

#: Nanoseconds for which the result of checking the connection's end stays valid.
END_CHECK_INTERVAL = 50_000

#: Messages and commands that are decoded in a row.
MESSAGE_BURST = 4096
COMMAND_BURST = 256

#: Messages that are passed to the encoder at once.
CHUNK = 128

#: Seconds for which an I/O thread releases the GIL after a read that brought no message.
GIL_YIELD = 0.00005

#: Seconds for which the I/O thread does not watch a stream that an application thread is reading,
#: unless that thread goes to sleep earlier.
WATCHER_PAUSE = 0.01

#: Whether a thread other than the hub's may read and write. It may not in the pure build, which can
#: lose the GIL between any two steps.
CALLER_THREAD_IO = COMPILED

# Events that an event loop watches for a connection that it serves.
POLL_IN = READABLE
POLL_OUT = WRITABLE


LOG = Log("zlinkcompat.engine")

real_sleep = get_original("time", "sleep")


#: Errors that peers, networks and a lack of memory may cause.
EXPECTED = (ProtocolError, OSError, Disconnected, MemoryError)


class Connection(PipeSink):
    """An engine for one byte stream.

    Parameters
    ----------
    engine : IOLoop
    stream : zlinkcompat.transports.bytestream.ByteStream
    session : Session
        The owner of this connection: it has the options, and is told when the connection is ready
        or has ended.
    """

    def __init__(self, engine, stream, session):
        self.engine = engine
        self.stream = stream
        self.session = session
        self.tuning = session.options.tuning
        self.counters = session.socket.counters
        self.decoder = session.make_decoder()
        self.encoder = session.make_encoder()
        self.pipe = None
        self.state = HANDSHAKE
        self.handshake_done = False
        self.failure = None
        self.greenlet = None
        self.parked = False
        self.wake_due = False
        self.input_stopped = False
        self.write_blocked = False
        self.partial_write = False
        self.concurrent_read_write = stream.concurrent_read_write
        self.read_by_application = False
        self.pause_timer = None
        self.reading = False
        self.writing = False
        self.flush_requested = False
        self.write_error = None
        self.is_batching = False
        self.batch_bytes = 0
        self.batch_started_at = 0
        self.measured_upto = 0
        self.burst_id = 0
        self.control = None
        self.close_frame = b""
        self.heartbeat = None
        self.has_undecoded = False
        self.last_read_was_useless = False
        self.poll_timer = None
        self.command = None
        self.bytes_out = 0
        self.end_checked_at = 0
        self.publishes = session.socket.socket_type in (PUB, XPUB)
        self.poller = None
        self.poller_mask = 0
        self.poller_writes = False
        loop = engine.loop
        self.read_watcher = loop.io(stream.fd, 1)
        self.write_watcher = None

    # -- life ------------------------------------------------------------------------------

    def start(self):
        """Run in a new greenlet."""
        self.greenlet = greenlet(self.run_to_end, self.engine.hub)
        self.engine.loop.run_callback(self.engine.call_guarded, self.greenlet.switch)

    def run_to_end(self):
        try:
            self.run()
        except Exception:
            self.log_defect()

    def log_defect(self):
        """Log the exception that is being handled, which no peer or network should cause."""
        LOG.exception(
            "%s: peer %s: unexpected error, the connection ends",
            self.session.endpoint,
            self.session.peer_address,
        )

    def fail_on_error(self, error):
        """End the connection because of the exception that is being handled.

        A defect of this engine must cost only the connection, and must not reach the program. Only
        the first one is logged. An exception of a signal handler belongs to the program, and is
        raised again.
        """
        if interrupts.is_interrupt(error):
            raise error
        if self.state < FAILED:
            if not isinstance(error, EXPECTED):
                self.log_defect()
            self.fail(error)

    def run(self):
        """Serve the peer until the connection ends. Runs in the caller's greenlet.

        This never raises for errors of the peer or the network: the session is told the reason.
        """
        self.greenlet = getcurrent()
        session = self.session
        try:
            self.start_reading()
            if HandshakeDriver(self).run():
                self.handshake_done = True
                session.connection_ready(self)
                while self.state < FAILED:
                    self.serve()
        except GreenletExit:
            raise  # the hub is being destroyed
        except BaseException as error:
            if interrupts.is_interrupt(error):
                interrupts.raise_in_main_greenlet(self.engine.hub)
                self.fail(Disconnected(EINTR, "the program was interrupted in the handshake"))
            else:
                self.fail_on_error(error)
        finally:
            while self.engine.mailbox is not None and (self.reading or self.writing):
                # Another thread is in here, and waits for the GIL.
                real_sleep(0)
            self.send_close_frame()
            self.release()
        interrupts.call_guarded(self.engine.hub, session.connection_ended, (self, self.failure))
        # In the pure build, the traceback refers to this object.
        self.failure = self.write_error = None

    def serve(self):
        """Read, and sleep until there is more; an interrupt of the program does not end it."""
        try:
            self.serve_input()
            if self.state < FAILED:
                if self.last_read_was_useless:
                    self.yield_gil()
                self.park()
        except BaseException as error:
            if not interrupts.is_interrupt(error):
                raise
            interrupts.raise_in_main_greenlet(self.engine.hub)

    # -- called by the handshake -------------------------------------------------------------

    def is_handshaking(self):
        return self.state == HANDSHAKE

    def has_failed(self):
        """Tell whether the connection is ending or has ended."""
        return self.state >= FAILED

    def replace_codec(self, decoder, encoder):
        """Use the codec of an older ZMTP version from now on."""
        self.decoder = decoder
        self.encoder = encoder

    def start_reading(self):
        if self.state < FAILED:
            self.read_watcher.start(self.engine.call_guarded, self.on_fd_readable)

    def stop_reading(self):
        self.read_watcher.stop()

    def begin_stream(self):
        """Perform the stream's own handshake (TLS); False if the connection was closed."""
        stream = self.stream
        while not stream.begin():
            watcher = None
            if stream.blocked:
                # Store it in the attribute as well, so that release() can stop it.
                watcher = self.write_watcher = self.engine.loop.io(stream.fd, 2)
                watcher.start(self.engine.call_guarded, self.on_fd_readable)
            try:
                self.park()
            finally:
                if watcher is not None:
                    watcher.stop()
                    watcher.close()
                    self.write_watcher = None
            if self.state >= FAILED:
                return False
        return True

    def acknowledged(self):
        """Return how many of :attr:`bytes_out` the peer's host has acknowledged.

        If the system does not tell, it is all of them. Over TLS it is a little less, because the
        kernel counts ciphertext."""
        return self.bytes_out - sockets.unacknowledged(self.stream.fd)

    def has_unwritten(self):
        """Tell whether the kernel has not accepted all data that is to be written."""
        return self.encoder.pending > 0 or self.control is not None

    def expire(self):
        self.fail(Disconnected(ETIMEDOUT, "the peer was silent for longer than heartbeats allow"))

    def activate(self, pipe):
        """Let messages flow from now on, through ``pipe`` (this connection's own end)."""
        self.pipe = pipe
        pipe.sink = self
        self.state = ACTIVE
        self.measured_upto = 0
        pipe.inq.reader_waits = True
        heartbeat_ivl = self.session.options.heartbeat_ivl
        if heartbeat_ivl > 0 and self.encoder.minor >= 0:
            self.heartbeat = Heartbeat(self, self.session.options)
        self.flush()
        self.lend()

    def park(self):
        """Sleep until there is something to do for this greenlet."""
        assert self.engine.is_current()
        self.parked = True
        self.engine.hub.switch()
        self.parked = False

    def park_to_read(self):
        """Sleep until there is something to read or to do."""
        if self.stream.buffered:
            # The descriptor is not readable for data that the stream has read already.
            self.wake_in_loop()
        self.park()

    def yield_gil(self):
        """Let application threads run, because the last read brought nothing for them.

        An I/O thread releases the GIL between two reads only for some microseconds. A thread that
        waits for the GIL wakes up then, comes too late, and waits again. Without this method, that
        would continue for as long as a peer sends data without messages."""
        self.last_read_was_useless = False
        if self.engine.mailbox is not None:
            real_sleep(GIL_YIELD)

    def wake(self):
        """Let the connection's own greenlet continue in the next iteration of the loop."""
        self.engine.call(self.wake_in_loop)

    def wake_in_loop(self):
        assert self.engine.is_current()
        if not self.wake_due:
            self.wake_due = True
            self.engine.loop.run_callback(self.engine.call_guarded, self.unpark)

    def wake_after_poll(self):
        """Do the same as :meth:`wake_in_loop`, after the loop has polled other connections.

        gevent polls only once per 50 callbacks or more, and timers fire after the poll."""
        assert self.engine.is_current()
        if not self.wake_due and self.state < FAILED:
            self.wake_due = True
            if self.poll_timer is None:
                self.poll_timer = self.engine.loop.timer(0)
            self.poll_timer.start(self.engine.call_guarded, self.unpark)

    def wake_threadsafe(self):
        """Do the same as :meth:`wake_in_loop`, for callers in any thread."""
        if self.engine.is_current():
            self.wake_in_loop()
        else:
            # A socket of this hub may be used in another thread, which has no hub.
            self.engine.callbacks.call(self.wake_in_loop)

    def unpark(self):
        assert self.engine.is_current()
        self.wake_due = False
        if self.parked:
            self.greenlet.switch()

    def on_fd_readable(self):
        if (
            self.read_by_application
            and self.session.socket.receiver.is_busy_polling
            and self.state == ACTIVE
        ):
            self.pause_watcher()
        elif self.parked:
            self.greenlet.switch()

    def pause_watcher(self):
        """Stop the read watcher for a while: an application thread is busy-polling this connection.

        Otherwise each message would wake the I/O thread for nothing, and the two threads would
        compete for the GIL, which makes round trips several times slower."""
        assert self.engine.is_current()
        self.read_by_application = False
        self.read_watcher.stop()
        if self.pause_timer is None:
            self.pause_timer = self.engine.loop.timer(WATCHER_PAUSE)
            self.session.socket.receiver.paused_connections.append(self)
        self.pause_timer.start(self.engine.call_guarded, self.recheck_polling)

    def recheck_polling(self):
        if self.read_by_application and self.session.socket.receiver.is_busy_polling:
            self.read_by_application = False
            self.pause_timer.start(self.engine.call_guarded, self.recheck_polling)
        else:
            self.resume_watcher()

    def resume_watcher(self):
        """End the pause that :meth:`pause_watcher` began."""
        if self.pause_timer is None:
            return
        self.pause_timer.stop()
        self.pause_timer.close()
        self.pause_timer = None
        self.session.socket.receiver.paused_connections.remove(self)
        if self.state < FAILED and not self.input_stopped:
            self.watch_input()

    def watch_input(self):
        """Continue to read when there is something to read. Called from any thread."""
        if self.poller is not None:
            self.update_poller()
        else:
            self.engine.call(self.start_watching)

    def start_watching(self):
        assert self.engine.is_current()
        if self.poller is None and not self.input_stopped and self.state < FAILED:
            self.read_watcher.start(self.engine.call_guarded, self.on_fd_readable)

    # -- lent to an event loop (loop_poller.py) ----------------------------------------------

    def lend(self):
        """Let the event loop that uses the socket, if there is one, read and write here."""
        assert self.engine.is_current()
        poller = self.session.socket.loop_poller
        if (
            poller is None
            or poller is self.poller
            or self.state != ACTIVE
            or self.engine.mailbox is None
        ):
            return
        self.reclaim()
        if self.pause_timer is not None:
            self.resume_watcher()
        if not poller.add(self, self.stream.fd):
            return
        self.read_watcher.stop()
        self.engine.watchdog.add(poller, self)
        self.poller = poller
        self.update_poller()

    def update_poller(self):
        """Let the event loop watch for the events that the connection waits for."""
        poller = self.poller
        if poller is None:
            return
        mask = 0
        if self.state == ACTIVE:
            mask = (0 if self.input_stopped else POLL_IN) | (POLL_OUT if self.poller_writes else 0)
        before = self.poller_mask
        self.poller_mask = mask
        poller.watch(self.stream.fd, before, mask)

    def end_loan(self):
        """Remove the connection from the event loop, which no longer watches it."""
        poller = self.poller
        if poller is None:
            return
        before = self.poller_mask
        self.poller_mask = 0
        self.poller = None
        poller.watch(self.stream.fd, before, 0)
        poller.remove(self.stream.fd)
        self.engine.watchdog.remove(poller, self)

    def reclaim(self):
        """Serve the connection in the I/O thread again."""
        assert self.engine.is_current()
        poller = self.poller
        if poller is None:
            return
        self.end_loan()
        if self.state >= FAILED:
            return
        if self.poller_writes:
            self.poller_writes = False
            self.watch_writable()
        self.start_watching()
        if self.is_batching:
            self.flush()
        self.wake_in_loop()

    def on_poller_event(self, poller, events):
        """Handle that the event loop found the descriptor ready; called in its thread."""
        if self.poller is not poller:
            return
        if events & POLL_OUT and self.poller_writes:
            self.poller_writes = False
            self.update_poller()
            self.write_blocked = False
            self.pipe.inq.reader_waits = True
            self.flush()
        if events & ~POLL_OUT and self.state == ACTIVE:
            self.serve_input()
        if self.state != ACTIVE:
            self.update_poller()

    def read_more(self, polls):
        """Continue to read after others have run, because the descriptor is not readable.

        Parameters
        ----------
        polls : bool
            Whether the event loop must first poll the input of other connections."""
        if self.poller is not None and self.poller.serve_later(self):
            return
        self.engine.call(self.wake_after_poll if polls else self.wake_in_loop)

    def fail(self, failure):
        """End the connection, from any greenlet; its own greenlet will clean up.

        Parameters
        ----------
        failure : ProtocolError, OSError, Disconnected or None
            None if this side ends the connection.
        """
        if self.state >= FAILED:
            return
        self.failure = failure
        self.state = FAILED
        self.wake()

    def on_protocol_violation(self, pipe, text):
        self.fail(ProtocolError(text, self.decoder.position))

    def close(self):
        """End the connection, because its socket was closed.

        On the hub engine the descriptor is freed at once, unless this is called during a read or
        write: a program may close many sockets before its hub runs again."""
        self.fail(None)
        if (
            self.parked
            and self.handshake_done
            and not self.reading
            and not self.writing
            and self.engine.mailbox is None
            and self.engine.is_current()
        ):
            self.send_close_frame()
            self.release()
            # The pending wake-up may have been that of the timer, which is closed now.
            self.wake_due = False
            self.wake_in_loop()

    def send_close_frame(self):
        """Tell the peer why the connection ends, if the protocol can express it; never waits."""
        if self.state == CLOSED:
            return
        encoder = self.encoder
        try:
            if not encoder.pending and not self.write_blocked:
                data = self.close_frame
                if isinstance(self.failure, ProtocolError):
                    data = self.failure.answer
                if not data and (self.handshake_done or self.pipe is not None):
                    data = encoder.close_frame(self.failure)
                if data:
                    encoder.add_control(data)
                    self.stream.write_from(encoder)
            self.stream.end()
        except (OSError, MemoryError):
            pass  # the peer is gone, or is not told everything

    def release(self):
        if self.state == CLOSED:
            return
        self.state = CLOSED
        self.resume_watcher()
        self.end_loan()
        if self.heartbeat is not None:
            self.heartbeat.stop()
            self.heartbeat = None
        if self.poll_timer is not None:
            self.poll_timer.stop()
            self.poll_timer.close()
        self.read_watcher.stop()
        self.read_watcher.close()
        if self.write_watcher is not None:
            self.write_watcher.stop()
            self.write_watcher.close()
        self.partial_write = self.pipe is not None and self.encoder.has_partial_write
        self.encoder.reset()
        self.decoder.discard()
        self.stream.close()

    def take_partial_write(self):
        """Tell whether a message was written in part and must be dropped; reset the flag."""
        partial_write = self.partial_write
        self.partial_write = False
        return partial_write

    def abort(self):
        """Close this process's descriptor in a forked child: the connection is the parent's."""
        self.parked = False
        self.encoder.reset()
        self.release()

    # -- in --------------------------------------------------------------------------------

    def try_read(self, pipe):
        if self.state != ACTIVE:
            return 0
        if pipe.mailbox is not None:
            if not CALLER_THREAD_IO:
                return 0
            if self.reading:
                # Another thread is reading, and needs the GIL to continue.
                real_sleep(0)
                return 1
            self.read_by_application = True
        return self.serve_input()

    def serve_input(self):
        if self.reading:
            return 0
        self.reading = True
        try:
            count = self.read_messages()
        finally:
            self.reading = False
        if (
            (self.has_undecoded or self.stream.buffered)
            and not self.input_stopped
            and self.state < FAILED
        ):
            # The descriptor is not readable for data that was read already.
            self.read_more(self.has_undecoded or self.last_read_was_useless)
        return count

    def read_messages(self):
        """Read available data, and move whole messages into the pipe, without waiting.

        Returns
        -------
        int
            1 if a message went into the pipe. 0 otherwise, even if the budget is spent.
        """
        if self.input_stopped:
            return 0
        try:
            if self.deliver():
                return 1
            began = 0
            for _ in range(READ_BURST):
                if self.input_stopped or self.has_undecoded or self.state >= FAILED:
                    self.last_read_was_useless = self.has_undecoded
                    return 0
                count = self.stream.read_into(self.decoder)
                if count < 0:
                    # The buffer was taken for this read, which found nothing.
                    self.decoder.release_if_empty()
                    if self.write_error is not None:
                        self.fail(self.write_error)
                    return 0
                if count == 0:
                    self.fail(Disconnected(0, "the peer closed the connection"))
                    return 0
                self.on_bytes_received()
                if self.deliver():
                    return 1
                if not self.decoder.is_receiving_body():
                    self.last_read_was_useless = True
                    return 0
                now = monotonic_ns()
                if began == 0:
                    began = now
                elif now - began > READ_TIME:
                    return 0
        except Exception as error:
            self.fail_on_error(error)
            # A message may have gone into the pipe before the error, so let the receiver look.
            return 1
        return 0

    def on_bytes_received(self):
        """Reset the timers that wait for the peer, because bytes arrived."""
        heartbeat = self.heartbeat
        if heartbeat is not None and heartbeat.is_armed():
            self.engine.call(heartbeat.reset_timers)

    def deliver(self):
        """Move decoded messages into the pipe while there is room; return how many.

        :attr:`has_undecoded` is set if the budget ended it."""
        decoder = self.decoder
        pipe = self.pipe
        queue = pipe.outq
        count = 0
        commands = 0
        body = self.command
        # A publisher receives subscriptions, each of which changes its trie: in this thread, or in
        # the thread that owns the mailbox.
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
                    # Keep it in case an interrupt of the program stops this call.
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
            # Messages before a malformed frame count as well.
            if count:
                if self.counters is not None:
                    self.counters.messages_in += count
                if pipe.peer_closed:
                    # No one will read the messages, but the stream is still watched for its end.
                    pipe.discard_output()
                    count = 0
                else:
                    pipe.flush()
        return count

    def on_command(self, body):
        """Handle a command frame; return what must go into the pipe, or None."""
        command = self.decoder.parse_command(body)
        kind = type(command)
        if kind is Subscribe or kind is Cancel:
            # Only publishers use subscriptions. Others ignore them like unknown commands.
            return command if self.publishes else None
        if kind is Ping:
            self.engine.call(self.on_ping, (command,))
            # Reply to each PING, one per iteration. If writing is blocked, reply only to the last.
            self.has_undecoded = not self.write_blocked
        elif kind is Close:
            self.close_frame = self.encoder.encode_command(command)
            raise Disconnected(0, "the peer closed the connection")
        elif kind is Error:
            raise Disconnected(ECONNRESET, "the peer sent ERROR: %r" % command.reason)
        return None

    def on_ping(self, command):
        if self.state < FAILED:
            self.send_heartbeat(Pong(command.context))
            if self.heartbeat is None:
                self.heartbeat = Heartbeat(self, self.session.options)
            self.heartbeat.pinged(command.ttl_ds)

    def stop_input(self):
        """Stop reading because the pipe is full, so that the transport applies back pressure."""
        if not self.input_stopped:
            self.input_stopped = True
            self.pipe.outq.mark(monotonic_ns())
            if self.poller is not None:
                self.update_poller()
            else:
                self.engine.call(self.stop_watching)

    def stop_watching(self):
        assert self.engine.is_current()
        if self.input_stopped and self.state < FAILED:
            self.read_watcher.stop()

    def room_made(self, pipe):
        # The thread that made room decodes the buffered data, if the connection is lent to an event
        # loop. Otherwise the I/O thread of the connection does it.
        if not CALLER_THREAD_IO or self.poller is None or self.reading or self.state != ACTIVE:
            return False
        self.write_activated(pipe)
        return True

    def write_activated(self, pipe):
        # The socket made room. First decode the data in the buffer.
        if not self.input_stopped or self.state != ACTIVE:
            return
        reading = self.reading
        if reading and pipe.mailbox is not None:
            # Another thread is reading right now.
            pipe.post_writable()
            return
        self.input_stopped = False
        if reading:
            # The pattern takes what this call delivers. The rest is delivered in another call.
            self.has_undecoded = True
        else:
            self.reading = True
            try:
                if self.deliver():
                    # The data may be old, but the peer may have sent more since.
                    self.on_bytes_received()
            except Exception as error:
                self.fail_on_error(error)
            finally:
                self.reading = False
        if not self.input_stopped and self.state == ACTIVE:
            self.watch_input()
            if self.has_undecoded or self.stream.buffered or self.write_error is not None:
                self.read_more(False)

    # -- out -------------------------------------------------------------------------------

    def read_activated(self, pipe):
        """Apply the write policy (docs/architecture.md), because the socket wrote to the pipe.

        The first message of a burst is written at once. A lone message is never held back: holding
        it for a batch timer would save a system call in theory, but made programs slower in
        practice. Later messages are batched until a limit is reached, a receiver waits, or the loop
        iterates.
        """
        if self.state != ACTIVE and self.state != DRAINING or self.write_blocked:
            return
        if pipe.mailbox is not None:
            # The messages come from another thread: the batch is all that it wrote until now.
            if not self.has_peer_closed(monotonic_ns()):
                self.flush()
            return
        queue = pipe.inq
        queue.reader_waits = True
        tuning = self.tuning
        if not self.is_batching:
            engine = self.engine
            now = monotonic_ns()
            # Ask in any case. Otherwise the second message would still count as the first one since
            # the loop iterated.
            loop_iterated = engine.loop_iterated()
            if (
                loop_iterated
                or self.burst_id != engine.burst_id
                or now - self.batch_started_at > tuning.batch_time
                or not tuning.write_batching
            ):
                self.burst_id = engine.burst_id
                self.batch_started_at = now
                if not self.has_peer_closed(now):
                    self.flush()
                return
            self.is_batching = True
            self.batch_started_at = now
            self.batch_bytes = 0
            self.measured_upto = queue.head
            engine.flush_later(self)
        elif monotonic_ns() - self.batch_started_at > tuning.batch_time:
            self.flush_aged_batch()
            return
        # Large frames count by their bytes: flushing at each of them is much slower. A frame as
        # large as a whole batch is written at once, together with the batch.
        self.batch_bytes += self.measure_new_messages(queue)
        if (
            self.batch_bytes >= tuning.out_batch_size
            or queue.tail - queue.head >= tuning.batch_messages
        ):
            self.flush_full_batch()

    def try_flush_inline(self, pipe):
        """Apply the write policy in an application thread.

        It is the policy of :meth:`read_activated`, except that the I/O thread writes the batch as
        soon as it runs, unless this thread reaches a limit earlier."""
        if not CALLER_THREAD_IO or self.state != ACTIVE or self.write_blocked:
            return False
        queue = pipe.inq
        tuning = self.tuning
        if not self.is_batching:
            now = monotonic_ns()
            if (
                self.burst_id != self.engine.burst_id
                or now - self.batch_started_at > tuning.batch_time
                or not tuning.write_batching
            ):
                self.burst_id = self.engine.burst_id
                self.batch_started_at = now
                if not self.has_peer_closed(now):
                    self.flush()
                return True
            self.is_batching = True
            self.batch_started_at = now
            self.batch_bytes = 0
            self.measured_upto = queue.head
            if (
                self.poller is None
                or not self.concurrent_read_write
                or not self.poller.flush_later(self)
            ):
                pipe.post_readable()
        elif (
            self.concurrent_read_write
            and monotonic_ns() - self.batch_started_at > tuning.batch_time
        ):
            self.flush_aged_batch()
            return True
        if not self.concurrent_read_write:
            # The I/O thread encrypts the batch while this thread continues, which is faster.
            return True
        self.batch_bytes += self.measure_new_messages(queue)
        if (
            self.batch_bytes >= tuning.out_batch_size
            or queue.tail - queue.head >= tuning.batch_messages
        ):
            self.flush_full_batch()
        return True

    def has_peer_closed(self, now):
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
        self.write_blocked = True
        self.wake()
        return True

    def flush_aged_batch(self):
        """Write the batch, if there is one: it is old, or the loop has iterated."""
        if self.is_batching:
            if self.counters is not None:
                self.counters.batch_timeout_flush_count += 1
            self.flush()

    def flush_full_batch(self):
        """Write the batch, because a limit is reached."""
        if self.counters is not None:
            self.counters.batch_size_flush_count += 1
        self.flush()

    def measure_new_messages(self, queue):
        """Return the bytes that were written to the pipe since the last call."""
        size = 0
        # Meanwhile the I/O thread may have written some, or dropped all because the peer left.
        if self.measured_upto < queue.head:
            self.measured_upto = queue.head
        while self.measured_upto < queue.tail:
            message = queue.ring[self.measured_upto & queue.mask]
            self.measured_upto += 1
            if type(message) is bytes:
                data = message
                size += len(data)
            elif type(message) is list:
                for frame in message:
                    size += len(frame) if type(frame) is bytes else frame_size(frame)
            else:
                size += frame_size(message)
        return size

    def flush(self):
        """Write the messages in the pipe, as far as the transport accepts them."""
        if self.writing:
            self.flush_requested = True
            return
        while True:
            self.flush_requested = False
            self.writing = True
            try:
                self.write_all()
            finally:
                self.writing = False
            if not self.flush_requested:
                return

    def write_all(self):
        self.is_batching = False
        if self.write_blocked or self.state == HANDSHAKE or self.state >= FAILED:
            return
        encoder = self.encoder
        pipe = self.pipe
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
                    self.bytes_out += count
                    finished = encoder.advance(count)
                    if finished:
                        pipe.discard(finished)
                        if self.counters is not None:
                            self.counters.messages_out += finished
                if count < pending:
                    # A stream accepts less than all data only if it is full.
                    queue.mark(monotonic_ns())
                    self.await_writable()
                    return
        except Exception as error:
            # Do not raise in the sender: its message stays queued for the next connection.
            if interrupts.is_interrupt(error):
                raise
            if isinstance(error, (OSError, MemoryError)):
                self.write_failed(error)
                return
            self.fail_on_error(error)
            if adds:
                offset += encoder.accepted
                encoder.accepted = 0
                # The message cannot be encoded, and would also end each later connection.
                if offset == 0:
                    encoder.reset()
                queue.bring_forward(offset)
                pipe.give_up_first("protocol")
            return
        if queue.head - self.measured_upto == 1:
            # A single message was sent. If a reply follows, read it with one full-size read instead
            # of a header-sized one.
            self.decoder.use_full_read_size()
        self.measured_upto = queue.head
        if self.state == DRAINING:
            self.close()

    def write_failed(self, error):
        """Stop writing after an error, but read what the peer sent before.

        The connection ends at a failing read or, at the latest, when there is nothing to read."""
        self.write_blocked = True
        if self.state == DRAINING:
            self.fail(error)
            return
        self.write_error = error
        self.wake()

    def await_writable(self):
        self.write_blocked = True
        if self.poller is not None and self.poller.is_current():
            self.poller_writes = True
            self.update_poller()
        else:
            self.engine.call(self.watch_writable)

    def watch_writable(self):
        assert self.engine.is_current()
        if self.state >= FAILED:
            return
        if self.write_watcher is None:
            self.write_watcher = self.engine.loop.io(self.stream.fd, 2)
        self.write_watcher.start(self.engine.call_guarded, self.on_fd_writable)

    def on_fd_writable(self):
        self.write_watcher.stop()
        self.write_blocked = False
        if self.pipe is None:
            self.flush_control()
            self.wake_in_loop()
            return
        self.pipe.inq.reader_waits = True
        self.flush()

    def flush_now(self):
        """Write what the kernel accepts now, because the loop may not run again to write later."""
        if self.pipe is None or self.write_error is not None:
            return
        if not self.write_blocked:
            self.flush()
        elif self.write_watcher is not None:
            self.on_fd_writable()

    def send_control(self, data):
        """Send encoded frames (greeting, READY), or a command between messages."""
        if self.control is None:
            self.control = []
        self.control.append(data)
        if self.write_blocked:
            return
        if self.pipe is not None:
            self.flush()
        else:
            self.flush_control()

    def send_heartbeat(self, command):
        """Send a Ping or Pong. For a peer that does not read, keep only the last of each."""
        if self.control is not None:
            kind = type(command)
            self.control = [each for each in self.control if type(each) is not kind]
        self.send_control(command)

    def add_control(self):
        control = self.control
        self.control = None
        for each in control:
            data = each if type(each) is bytes else self.encoder.encode_command(each)
            self.encoder.add_control(data)

    def flush_control(self):
        """Write during the handshake, when there is no pipe yet."""
        encoder = self.encoder
        while self.state < FAILED:
            try:
                if encoder.pending == 0:
                    if self.control is None:
                        return
                    self.add_control()
                pending = encoder.pending
                count = self.stream.write_from(encoder)
            except Exception as error:
                self.fail_on_error(error)
                return
            if count > 0:
                self.bytes_out += count
                encoder.advance(count)
            if count < pending:
                self.await_writable()
                return

    # -- end of the socket -----------------------------------------------------------------

    def pipe_terminated(self, pipe):
        """Write what the closed or disconnected socket left, within its linger, and then end."""
        if self.state >= FAILED:
            return
        if self.session.lingers():
            self.drain()
        else:
            self.close()

    def has_unsent(self):
        """Tell whether an accepted message is not written yet."""
        if self.state >= FAILED:
            return False
        if self.encoder.pending or self.control is not None:
            return True
        return self.pipe is not None and self.pipe.inq.tail != self.pipe.inq.head

    def drain(self):
        """Write what the pipe holds, then end."""
        self.reclaim()
        self.state = DRAINING
        self.flush()
        if self.state == DRAINING:
            # The read watcher notices if the peer leaves meanwhile.
            self.input_stopped = False
            self.read_watcher.start(self.engine.call_guarded, self.on_fd_readable)

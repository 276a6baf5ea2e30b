"""A connection: one peer's byte stream and the protocol on it, served by one greenlet.

The greenlet performs the handshake. Then it sleeps on a persistent read watcher, and moves received
messages into the pipe. Two short cuts avoid greenlet and thread switches. A sender writes in its
own greenlet (:meth:`Connection.read_activated`), and a receiver that finds its queue empty reads in
its own greenlet (:meth:`Connection.try_read`). Neither ever blocks or switches.

The work is divided among the parts of a connection: :class:`Lifecycle` has its state and greenlet,
:class:`Reader` and :class:`Writer` move messages, :class:`WritePolicy` decides when to write, and
:class:`Loan` lets an event loop serve the connection.

Everything here runs in the thread of the loop's hub, except for the short cuts. With I/O threads,
application threads take the short cuts (only in the compiled build). A guard for each direction
then lets only one thread at a time read, and one write. The GIL is held during the system call.
Operations on the loop run only in the loop's thread (``loop.call``), and assert that. Assertions
are on in the pure build and in ``tox -e sanitize``.
"""

from __future__ import annotations

from errno import EINTR
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit, getcurrent, greenlet

from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat.engine import interrupts
from zlinkcompat.engine.errors import Disconnected
from zlinkcompat.engine.handshake_driver import HandshakeDriver
from zlinkcompat.engine.heartbeat import Heartbeat
from zlinkcompat.engine.lifecycle import ACTIVE, CALLER_THREAD_IO, CLOSED, DRAINING, Lifecycle
from zlinkcompat.engine.loan import Loan
from zlinkcompat.engine.loop_poller import WRITABLE, LoopPoller
from zlinkcompat.engine.reader import Reader
from zlinkcompat.engine.write_policy import WritePolicy
from zlinkcompat.engine.writer import Writer
from zlinkcompat.routing.message_queue import MessageQueue
from zlinkcompat.routing.pipe import Pipe
from zlinkcompat.wire.errors import ProtocolError

if TYPE_CHECKING:
    from zlinkcompat.engine.session import Session
    from zlinkcompat.wire.zmtp.decoder import Decoder
    from zlinkcompat.wire.zmtp.encoder import Encoder


real_sleep = get_original("time", "sleep")


class Connection(Lifecycle):
    """The protocol of one peer on one byte stream (libzmq calls this an engine).

    Parameters
    ----------
    loop : IOLoop
    stream : zlinkcompat.transports.bytestream.ByteStream
    session : Session
        The owner of this connection. It has the options, and the connection tells it when it is
        ready and when it has ended.
    """

    def __init__(self, loop: Any, stream: Any, session: Session) -> None:
        Lifecycle.__init__(self, loop, stream, session)
        self.loan = Loan(loop, stream)
        self.writer = Writer(self, self.loan)
        self.policy = WritePolicy(self, self.writer, self.loan)
        self.reader = Reader(self, self.writer, self.loan)
        self.partial_write = False

    # -- life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Run in a new greenlet."""
        self.greenlet = greenlet(self.run_to_end, self.loop.hub)
        self.loop.gevent_loop.run_callback(self.loop.call_guarded, self.greenlet.switch)

    def run_to_end(self) -> None:
        try:
            self.run()
        except Exception:
            self.log_defect()

    def run(self) -> None:
        """Serve the peer until the connection ends. Runs in the caller's greenlet.

        This never raises for errors of the peer or the network: the session is told the reason.
        """
        self.greenlet = getcurrent()
        session = self.session
        try:
            self.reader.start()
            if HandshakeDriver(self).run():
                self.handshake_done = True
                session.connection_ready(self)
                while not self.has_failed:
                    self.serve()
        except GreenletExit:
            raise  # the hub is being destroyed
        except BaseException as error:
            if interrupts.is_interrupt(error):
                interrupts.raise_in_main_greenlet(self.loop.hub)
                self.fail(Disconnected(EINTR, "the program was interrupted in the handshake"))
            else:
                self.fail_on_error(error)
        finally:
            while self.loop.mailbox is not None and (
                self.reader.reading.held or self.writer.writing.held
            ):
                # Another thread is using this connection, and waits for the GIL.
                real_sleep(0)
            self.writer.send_close_frame()
            self.release()
        interrupts.call_guarded(self.loop.hub, session.connection_ended, (self, self.failure))
        # Break the reference cycles: the parts refer to this connection, and in the pure build a
        # traceback does too.
        self.failure = self.writer.write_error = None
        self.reader = self.writer = self.policy = None

    def serve(self) -> None:
        """Read, and sleep until there is more to read.

        A Ctrl-C of the program does not end this."""
        try:
            self.reader.serve_in_loop()
            if not self.has_failed:
                self.reader.yield_gil()
                self.park()
        except BaseException as error:
            if not interrupts.is_interrupt(error):
                raise
            interrupts.raise_in_main_greenlet(self.loop.hub)

    def replace_codec(self, decoder: Decoder, encoder: Encoder) -> None:
        """Switch to the codec of an older ZMTP version."""
        self.decoder = decoder
        self.encoder = encoder

    def activate(self, pipe: Pipe) -> None:
        """Let messages flow from now on, through ``pipe`` (this connection's own end)."""
        self.pipe = pipe
        pipe.sink = self
        self.enter(ACTIVE)
        queue = pipe.inq
        queue.reader_waits = True
        self.writer.written_upto = queue.head
        if self.session.options.heartbeat_ivl > 0 and self.encoder.minor >= 0:
            self.heartbeat = Heartbeat(self, self.writer)
        self.writer.flush()
        self.lend()

    # -- called by the pipe ----------------------------------------------------------------

    # These methods run in any thread, and run() may drop the parts during them. So each method
    # first takes a reference to the part that it uses, since a compiled ``self.reader.method()``
    # takes none.

    def read_activated(self, pipe: Pipe) -> None:
        if not self.may_write or self.write_blocked:
            return
        if pipe.mailbox is not None:
            # The messages come from another thread. What that thread has written so far is the
            # batch.
            if not self.writer.has_peer_closed(monotonic_ns()):
                self.writer.flush()
            return
        pipe.inq.reader_waits = True
        policy = self.policy
        if self.writer.is_batching:
            policy.extend_batch(pipe, True)
        else:
            policy.begin_batch(pipe, True)

    def try_flush_inline(self, pipe: Pipe) -> bool:
        if not CALLER_THREAD_IO or not self.is_active or self.write_blocked:
            return False
        policy = self.policy
        if self.writer.is_batching:
            policy.extend_batch(pipe, False)
        else:
            policy.begin_batch(pipe, False)
        return True

    def try_read(self, pipe: Pipe) -> int:
        if not self.is_active:
            return 0
        reader = self.reader
        return reader.try_read(pipe)

    def write_activated(self, pipe: Pipe) -> None:
        if self.is_active:
            reader = self.reader
            reader.on_room(pipe)

    def room_made(self, pipe: Pipe) -> bool:
        # The thread that made room decodes the buffered data, if the connection is lent to an event
        # loop. Otherwise the I/O thread of the connection does it.
        if (
            not CALLER_THREAD_IO
            or self.loan.poller is None
            or not self.is_active
            or self.reader.reading.held
        ):
            return False
        reader = self.reader
        reader.on_room(pipe)
        return True

    def on_protocol_violation(self, pipe: Pipe, text: str) -> None:
        self.fail(ProtocolError(text, self.decoder.position))

    def pipe_terminated(self, pipe: Pipe) -> None:
        """Write the messages that a closed or disconnected socket left, within LINGER; then end."""
        if self.has_failed:
            return
        if self.session.lingers():
            self.drain()
        else:
            self.close()

    # -- lent to an event loop (loop_poller.py) ----------------------------------------------

    def lend(self) -> None:
        """If an event loop uses the socket, let that loop read and write this connection."""
        assert self.loop.is_current()
        poller = self.session.socket.loop_poller
        if (
            poller is None
            or poller is self.loan.poller
            or not self.is_active
            or self.loop.mailbox is None
        ):
            return
        self.reclaim()
        self.reader.resume_watcher()
        if not poller.add(self, self.stream.fd):
            return
        self.reader.stop()
        self.loan.begin(self, poller, not self.reader.input_stopped)

    def reclaim(self) -> None:
        """Serve the connection in the I/O thread again."""
        assert self.loop.is_current()
        if self.loan.poller is None:
            return
        awaits_writable = self.loan.end(self)
        if self.has_failed:
            return
        if awaits_writable:
            self.writer.watch_writable()
        self.reader.start_watching()
        if self.writer.is_batching:
            self.writer.flush()
        self.wake_in_loop()

    def on_poller_event(self, poller: Any, events: Any) -> None:
        """Called in the event loop's thread when the loop has found the descriptor ready."""
        if self.loan.poller is not poller:
            return
        reader, writer = self.reader, self.writer
        if events & WRITABLE and self.loan.take_output_event():
            writer.resume()
        if events & ~WRITABLE and self.is_active:
            reader.serve_in_loop()
        if not self.is_active:
            self.loan.ignore_all()

    # -- end -------------------------------------------------------------------------------

    def has_unsent(self) -> bool:
        """Tell whether the socket has accepted a message that is not written yet."""
        if self.has_failed:
            return False
        pipe = self.pipe
        return self.writer.has_unwritten() or (pipe is not None and pipe.inq.tail != pipe.inq.head)

    def drain(self) -> None:
        """Write the messages in the pipe, then end."""
        self.reclaim()
        self.enter(DRAINING)
        self.writer.flush()
        if self.may_write:
            # The read watcher notices if the peer leaves before all is written.
            self.reader.start()

    def close(self) -> None:
        """End the connection, because its socket was closed.

        On the hub engine the descriptor is closed at once, unless a read or write is in progress,
        because a program may close many sockets before its hub runs again."""
        self.fail(None)
        if (
            self.parked
            and self.handshake_done
            and not self.reader.reading.held
            and not self.writer.writing.held
            and self.loop.mailbox is None
            and self.loop.is_current()
        ):
            self.writer.send_close_frame()
            self.release()
            # The timer, which is closed now, may have been what was going to wake the greenlet.
            self.wake_due = False
            self.wake_in_loop()

    def release(self) -> None:
        if self.state == CLOSED:
            return
        self.enter(CLOSED)
        self.reader.close()
        self.loan.end(self)
        if self.heartbeat is not None:
            self.heartbeat.stop()
            self.heartbeat: Any = None
        if self.poll_timer is not None:
            self.poll_timer.stop()
            self.poll_timer.close()
        self.writer.close()
        self.partial_write = self.pipe is not None and self.encoder.has_partial_write
        self.encoder.reset()
        self.decoder.discard()
        self.stream.close()

    def take_partial_write(self) -> bool:
        """Return whether a part of a message was written, so it must be dropped. Reset the flag."""
        partial_write = self.partial_write
        self.partial_write = False
        return partial_write

    def abort(self) -> None:
        """Close this process's descriptor in a forked child. The connection is the parent's."""
        self.parked = False
        self.encoder.reset()
        self.release()

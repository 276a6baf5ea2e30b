"""The write policy of a connection: whether to write a message now, or later with others.

The first message of a burst is written at once. A lone message is never held back: holding it for a
batch timer would save a system call in theory, but made programs slower in practice. Later messages
are batched until a limit is reached, a receiver waits, or the loop iterates. docs/architecture.md
has the whole policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.counters import Counters
from zlinkcompat.engine.loan import Loan
from zlinkcompat.engine.loop import IOLoop
from zlinkcompat.engine.loop_poller import LoopPoller
from zlinkcompat.engine.writer import Writer
from zlinkcompat.routing.message_queue import MessageQueue
from zlinkcompat.routing.pipe import Pipe
from zlinkcompat.routing.sized_queue import message_size
from zlinkcompat.tuning import Tuning

if TYPE_CHECKING:
    from zlinkcompat.engine.connection import Connection


class WritePolicy:
    """Decides when the writer of one connection writes.

    Parameters
    ----------
    connection : Lifecycle
    writer : Writer
    loan : Loan
    """

    def __init__(self, connection: Connection, writer: Writer, loan: Loan) -> None:
        self.writer = writer
        self.loan = loan
        self.loop = connection.loop
        self.tuning = connection.session.options.tuning
        self.counters = connection.counters
        self.concurrent_read_write = connection.stream.concurrent_read_write
        self.batch_bytes = 0
        self.batch_started_at = 0
        self.measured_upto = 0
        self.burst_id = 0

    def begin_batch(self, pipe: Pipe, in_loop: bool) -> None:
        """Write the new messages if they are the first of a burst; else begin a batch with them.

        Parameters
        ----------
        pipe : Pipe
        in_loop : bool
            Whether the sender runs in the thread of the connection's loop. For an application
            thread, the I/O thread writes the batch as soon as it runs, unless the application
            thread reaches a limit earlier.
        """
        now = monotonic_ns()
        # Always call loop_iterated(), even if its result does not matter. Otherwise the second
        # message would count as the first one since the loop iterated.
        loop_iterated = in_loop and self.loop.loop_iterated()
        begins_burst = (
            loop_iterated
            or self.burst_id != self.loop.burst_id
            or now - self.batch_started_at > self.tuning.batch_time
            or not self.tuning.write_batching
        )
        self.batch_started_at = now
        if begins_burst:
            self.burst_id = self.loop.burst_id
            if not self.writer.has_peer_closed(now):
                self.writer.flush()
            return
        self.writer.is_batching = True
        self.batch_bytes = 0
        self.measured_upto = pipe.inq.head
        if in_loop:
            self.loop.flush_later(self)
        else:
            poller = self.loan.poller
            if poller is None or not self.concurrent_read_write or not poller.flush_later(self):
                pipe.post_readable()
        self.extend_batch(pipe, in_loop)

    def extend_batch(self, pipe: Pipe, in_loop: bool) -> None:
        """Add the new messages to the batch, and write it if it has reached a limit.

        The parameters are those of :meth:`begin_batch`."""
        if not in_loop and not self.concurrent_read_write:
            # The I/O thread encrypts the batch while this thread continues, which is faster.
            return
        if monotonic_ns() - self.batch_started_at > self.tuning.batch_time:
            self.flush_aged_batch()
            return
        # Large frames count by their bytes: flushing at each of them is much slower. A frame as
        # large as a whole batch is written at once, together with the batch.
        queue = pipe.inq
        # Since the last call, the I/O thread may have written some messages of the batch, or
        # dropped all of them because the peer left.
        position = max(self.measured_upto, queue.head)
        while position < queue.tail:
            message = queue.ring[position & queue.mask]
            position += 1
            if type(message) is bytes:
                data = message
                self.batch_bytes += len(data)
            else:
                self.batch_bytes += message_size(message)
        self.measured_upto = position
        if (
            self.batch_bytes >= self.tuning.out_batch_size
            or queue.tail - queue.head >= self.tuning.batch_messages
        ):
            if self.counters is not None:
                self.counters.batch_size_flush_count += 1
            self.writer.flush()

    def flush_aged_batch(self) -> None:
        """Write the batch if there is one, because it is old or the loop has iterated."""
        if self.writer.is_batching:
            if self.counters is not None:
                self.counters.batch_timeout_flush_count += 1
            self.writer.flush()

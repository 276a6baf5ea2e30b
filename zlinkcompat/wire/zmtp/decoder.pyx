"""The decoding half of the frame codec. ``decoder.py`` is its pure-Python fallback.

A frame is a flags byte (MORE 1, LONG 2, COMMAND 4), one or eight bytes of size, and the body.
Source: RFC 37 "Framing"; libzmq ``src/v2_decoder.cpp``.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.string cimport memcpy, memmove

from zlinkcompat._runtime.counters cimport Counters
from zlinkcompat.tuning cimport Tuning
from zlinkcompat.wire.zmtp.buffers cimport (
    BUFFER_SIZE, COMMAND, INLINE_MAX, LONG, MORE, acquire_buffer, iovec, release_buffer,
)

from zlinkcompat.wire.zmtp.commands import parse_command_untrusted
from zlinkcompat.wire.errors import (
    MALFORMED_MESSAGE,
    UNEXPECTED_COMMAND,
    MessageTooLarge,
    ProtocolError,
)

cdef extern from "Python.h":
    """
    #define Py_DECREF_object(o) Py_DECREF(o)
    """
    void Py_DECREF_object(PyObject* object)
    int _PyBytes_Resize(PyObject** object, Py_ssize_t size) except -1
    object PyMemoryView_FromMemory(char* memory, Py_ssize_t size, int flags)
    int PyBUF_WRITE
    Py_ssize_t PY_SSIZE_T_MAX

cdef enum:
    # Bytes read into the buffer when a large frame is expected: its header and little more, so that
    # the body is not received into the buffer and then copied.
    HEADER_READ_SIZE = 512
    # With less room than this, the rest is always compacted (docs/performance-plan.md, phase 2).
    LEAST_ROOM = 2048
    # Bytes that count for each part of a message in addition to its own: its object and list entry.
    PART_COST = 48
    # The maximum number of frames in a message if RCVBYTES_MAX sets no limit.
    PARTS_MAX = 65536

# The first allocation for a large body: a header alone must not reserve much memory.
cdef Py_ssize_t FIRST_ROOM = 262144
# The largest frame even without MAXMSGSIZE: 128 TiB, the address space of a process. Random bytes
# that look like the header of a long frame nearly always announce more. Neither twice this size nor
# the size plus a header overflows a Py_ssize_t.
cdef long long FRAME_MAX = min(PY_SSIZE_T_MAX // 2, <long long>1 << 47)


cdef class Decoder:
    """Decodes bytes into whole messages.

    Parameters
    ----------
    max_size : int, bytes
        Limit of one frame (MAXMSGSIZE); -1 means no limit except ``FRAME_MAX``.
    tuning : Tuning, optional
    counters : Counters, optional
        None: nothing is counted.

    Attributes
    ----------
    is_command : bool
        Whether the last result of :meth:`next` is the body of a command.
    position : int, bytes
        The offset of the next unconsumed byte in the peer's stream.
    max_command : int, bytes
        Limit of one command's body, in addition to ``max_size``; 0 means no limit.
    commands_only : bool
        Reject a message as soon as its first header arrives, because the handshake is not done.
    max_unfinished : int, bytes
        Limit of the frames that wait for the rest of their message; 0 means no limit. Each frame
        counts ``PART_COST`` bytes more, so that empty frames are limited as well.
    """

    def __init__(self, max_size=-1, tuning=None, counters=None):
        self.set_max_size(max_size)
        self.plain = type(self) is Decoder
        self.tuning = Tuning() if tuning is None else tuning
        self.counters = counters
        self.max_read_size = self.read_size = min(self.tuning.in_batch_size, BUFFER_SIZE)
        # Without lazy_compact, a body goes through the buffer if it fits.
        self.large = BUFFER_SIZE
        if self.tuning.lazy_compact:
            self.large = min(self.tuning.zerocopy_threshold, INLINE_MAX)
        # As in libzmq, IN_BATCH_SIZE limits reads of several messages, and not those of one body.
        self.large = min(self.large, self.max_read_size + 1)

    def __dealloc__(self):
        if self.buffer != NULL:
            release_buffer(self.buffer)

    @property
    def available(self):
        """The number of unconsumed bytes in the buffer."""
        return self.tail - self.head

    cpdef bint is_receiving_body(self) except -1:
        """Tell whether a large body is arriving."""
        return self.body_size > 0

    cpdef set_max_size(self, long long max_size):
        """Change the limit (bytes). It applies to frames whose header is not read yet."""
        self.max_size = FRAME_MAX if max_size < 0 else min(max_size, FRAME_MAX)

    cdef int reserve(self, iovec* vector) except -1:
        """Set ``vector`` to the memory for the next read; return its number of parts, 1 or 2."""
        cdef int count = 0
        if self.body_size > 0:
            if self.body_filled == self.body_room:
                self.grow_body()
            vector[0].iov_base = PyBytes_AS_STRING(self.body) + self.body_filled
            vector[0].iov_len = self.body_room - self.body_filled
            if self.body_room < self.body_size:
                return 1
            # The next header is read after the body.
            count = 1
        if self.buffer == NULL:
            self.buffer = acquire_buffer()
            self.head = self.tail = 0
        elif self.head == self.tail:
            self.head = self.tail = 0
        elif self.head > 0:
            if self.wants_compaction():
                memmove(self.buffer, self.buffer + self.head, self.tail - self.head)
                if self.counters is not None:
                    self.counters.compaction_count += 1
                    self.counters.compaction_bytes += self.tail - self.head
                self.tail -= self.head
                self.head = 0
            elif self.counters is not None:
                self.counters.compaction_skipped_count += 1
        vector[count].iov_base = self.buffer + self.tail
        vector[count].iov_len = min(self.read_size, BUFFER_SIZE - self.tail)
        return count + 1

    cdef bint wants_compaction(self):
        """Tell whether unconsumed data must be moved before the next read."""
        cdef Py_ssize_t room = BUFFER_SIZE - self.tail
        if not self.tuning.lazy_compact or room == 0:
            return True
        return (self.head > self.tuning.compact_consumed
                and room < max(LEAST_ROOM, BUFFER_SIZE * self.tuning.compact_room // 100))

    cpdef take_over(self, Decoder other):
        """Copy the data that another decoder received and did not consume."""
        cdef Py_ssize_t left = other.tail - other.head
        self.position = other.position
        if left:
            self.buffer = acquire_buffer()
            memcpy(self.buffer, other.buffer + other.head, left)
            self.head = 0
            self.tail = left
            if self.counters is not None:
                self.counters.bytes_copied += left

    def get_buffer(self):
        """Return memory (memoryview) for the next read; call :meth:`commit` after the read."""
        cdef iovec vector[2]
        self.reserve(vector)
        return PyMemoryView_FromMemory(<char*>vector[0].iov_base, vector[0].iov_len, PyBUF_WRITE)

    cpdef commit(self, Py_ssize_t count):
        """Handle ``count`` bytes that were written to the memory of :meth:`get_buffer`."""
        cdef Py_ssize_t part
        if self.body_size > 0:
            part = min(count, self.body_room - self.body_filled)
            self.body_filled += part
            self.position += part
            count -= part
        self.tail += count

    cpdef use_full_read_size(self):
        """Prepare for a single frame instead of a stream of frames.

        One full-size read and a copy are faster than one read for the header and one for the
        body."""
        self.read_size = self.max_read_size

    cpdef read_exactly(self, Py_ssize_t count):
        """Consume and return exactly ``count`` bytes; if fewer are there, return None."""
        cdef bytes data
        if self.tail - self.head < count:
            return None
        data = self.buffer[self.head:self.head + count]
        self.head += count
        self.position += count
        return data

    cpdef bytes peek(self, Py_ssize_t count):
        """Return the first ``count`` unconsumed bytes, or fewer if there are fewer."""
        if self.buffer == NULL:
            return b""
        return self.buffer[self.head:self.head + min(count, self.tail - self.head)]

    cpdef next(self):
        """Return the next whole message: bytes, or a list of bytes for several frames.

        None means that more bytes are needed. The body of a command is returned as bytes with
        :attr:`is_command` set. Commands may arrive between the frames of a message.

        Raises
        ------
        ProtocolError
            Reserved flags, a command with MORE, or a size of over 63 bits.
        MessageTooLarge
            A frame over ``max_size``, or an unfinished message over ``max_unfinished``.
        """
        cdef unsigned char* at
        cdef Py_ssize_t available, header, i
        cdef unsigned long long size
        cdef int flags
        cdef object message
        while True:
            if self.body_size > 0:
                if self.body_filled < self.body_size:
                    return None
                body = self.take_body()
                self.body_size = 0
                message = self.finish(body, self.body_flags)
                if message is not None:
                    return message
                continue
            available = self.tail - self.head
            if available < 2:
                return None
            at = self.buffer + self.head
            flags = at[0]
            if flags & ~(MORE | LONG | COMMAND):
                raise ProtocolError("a frame has reserved flags: 0x%02x" % flags, self.position,
                                    MALFORMED_MESSAGE)
            if flags & LONG:
                if available < 9:
                    return None
                header = 9
                size = 0
                for i in range(1, 9):
                    size = (size << 8) | at[i]
                if size >> 63:
                    raise ProtocolError("a frame of %d bytes" % size, self.position + 1,
                                        MALFORMED_MESSAGE)
            else:
                header = 2
                size = at[1]
            if flags & COMMAND:
                self.check_command(size, flags & MORE)
            elif self.commands_only:
                self.refuse_message()
            if size > <unsigned long long>self.max_size:
                raise MessageTooLarge(
                    "a frame of %d bytes is over the limit, %d" % (size, self.max_size),
                    self.position, MALFORMED_MESSAGE)
            if header + size <= <unsigned long long>available:
                frame = PyBytes_FromStringAndSize(<char*>at + header, size)
                self.head += header + size
                self.position += header + size
                if self.read_size != self.max_read_size and size < HEADER_READ_FROM:
                    self.read_size = self.max_read_size
                if flags & ~LONG == 0 and self.parts is None:
                    self.is_command = False
                    return frame
                message = self.finish(frame, flags)
                if message is not None:
                    return message
            elif (
                size >= <unsigned long long>self.large
                or header + size > <unsigned long long>BUFFER_SIZE
                or self.tuning.lazy_compact and self.wants_compaction()
            ):
                # The frame is large, or the buffer has no room for its rest. Then receive it into
                # the user's object, which is better than moving it to the start of the buffer.
                self.head += header
                self.position += header
                if self.counters is not None and size < <unsigned long long>self.large:
                    self.counters.compaction_skipped_count += 1
                self.begin_body(size, flags)
            else:
                return None

    cpdef list next_batch(self, Py_ssize_t most):
        """Return the next messages, up to ``most``, that are single short frames in the buffer.

        None means that the caller must use :meth:`next`, which handles all kinds of frames.
        """
        cdef list messages
        cdef const unsigned char* at
        cdef Py_ssize_t size
        if (
            not self.plain or self.commands_only or self.body_size > 0 or self.parts is not None
            or self.tail - self.head < 2 or self.buffer[self.head] != 0
        ):
            return None
        # Allocate first: the garbage collector may run here, and may use this decoder.
        messages = []
        try:
            while most > 0 and self.tail - self.head >= 2:
                at = self.buffer + self.head
                size = at[1]
                if at[0] != 0 or size > self.max_size or self.tail - self.head < 2 + size:
                    break
                messages.append(PyBytes_FromStringAndSize(<char*>at + 2, size))
                self.head += 2 + size
                self.position += 2 + size
                most -= 1
        except MemoryError:
            if not messages:
                raise
        if not messages:
            return None
        self.is_command = False
        self.read_size = self.max_read_size
        return messages

    cdef int check_command(self, unsigned long long size, bint more) except -1:
        if more:
            raise ProtocolError("a command says that more follows", self.position,
                                MALFORMED_MESSAGE)
        if self.max_command > 0 and size > <unsigned long long>self.max_command:
            raise MessageTooLarge(
                "a command of %d bytes is over the limit, %d" % (size, self.max_command),
                self.position, MALFORMED_MESSAGE)
        return 0

    cdef int refuse_message(self) except -1:
        raise ProtocolError("a message came before the end of the handshake", self.position,
                            UNEXPECTED_COMMAND)

    cdef finish(self, object frame, int flags):
        """Handle a complete frame; return the message if it is complete as well."""
        if flags & COMMAND:
            self.is_command = True
            return frame
        self.is_command = False
        if flags & MORE:
            if self.parts is None:
                self.parts = []
            self.append_part(frame)
            return None
        if self.parts is None:
            return frame
        message = self.parts
        self.parts = None
        self.unfinished = 0
        message.append(frame)
        return message

    cdef int append_part(self, object frame) except -1:
        """Keep a frame until the rest of its message arrives."""
        if self.max_unfinished > 0:
            self.unfinished += len(frame) + PART_COST
            if self.unfinished > self.max_unfinished:
                raise MessageTooLarge(
                    "%d frames of an unfinished message are over the limit, %d bytes"
                    % (len(self.parts) + 1, self.max_unfinished), self.position,
                    MALFORMED_MESSAGE)
        elif len(self.parts) >= PARTS_MAX:
            raise MessageTooLarge(
                "an unfinished message has %d frames; RCVBYTES_MAX allows more" % PARTS_MAX,
                self.position, MALFORMED_MESSAGE)
        self.parts.append(frame)
        return 0

    cdef begin_body(self, Py_ssize_t size, int flags):
        """Receive the rest of a large frame directly into the user's object."""
        cdef Py_ssize_t here = self.tail - self.head
        self.body_room = min(size, max(FIRST_ROOM, here))
        self.body = PyBytes_FromStringAndSize(NULL, self.body_room)
        memcpy(PyBytes_AS_STRING(self.body), self.buffer + self.head, here)
        self.head = self.tail
        self.position += here
        self.body_size = size
        self.body_filled = here
        self.body_flags = flags
        if size >= HEADER_READ_FROM:
            self.read_size = min(HEADER_READ_SIZE, self.max_read_size)

    cpdef parse_command(self, bytes body):
        """Return the command that :meth:`next` returned with :attr:`is_command` set."""
        return parse_command_untrusted(body, self.position)

    cdef take_body(self):
        """Return the body, which is complete."""
        body = self.body
        self.body = None
        return body

    cdef int grow_body(self) except -1:
        cdef PyObject* body
        cdef Py_ssize_t room, filled = self.body_filled
        if self.body is None:
            raise MemoryError("the body of a frame was lost when memory ran out")
        body = <PyObject*>self.body
        # This cannot overflow: neither factor exceeds FRAME_MAX.
        room = min(self.body_size, self.body_room * 2)
        # Resizing needs the only reference and takes it. If it fails, the bytes are lost. The body
        # then has no room and is never completed, and each further read fails in the same way.
        Py_INCREF(self.body)
        self.body = None
        self.body_filled = self.body_room = 0
        _PyBytes_Resize(&body, room)
        self.body = <object>body
        self.body_filled = filled
        self.body_room = room
        # We own it now; drop the reference that the resize returned.
        Py_DECREF_object(body)
        return 0

    cpdef release_if_empty(self):
        """Release the buffer if it is empty, because no data is expected now."""
        if self.head == self.tail and self.buffer != NULL:
            release_buffer(self.buffer)
            self.buffer = NULL
            self.head = self.tail = 0

    cpdef discard(self):
        """Drop unconsumed data and the buffer. Nothing more is decoded afterwards."""
        self.head = self.tail = 0
        self.release_if_empty()
        self.body_size = self.body_filled = self.body_room = 0
        self.body = None
        self.parts = None


cdef class RawDecoder(Decoder):
    """Decoder without frames: :meth:`next` returns the received bytes (for STREAM sockets)."""

    cpdef next(self):
        cdef bytes data
        self.is_command = False
        if self.tail == self.head:
            return None
        data = self.buffer[self.head:self.tail]
        self.position += self.tail - self.head
        self.head = self.tail
        return data

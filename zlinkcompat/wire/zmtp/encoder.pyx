"""The encoding half of the frame codec: whole messages to a vector of buffers.

``encoder.py`` is its pure-Python fallback. ``decoder.pyx`` describes a frame.
Source: RFC 37 "Framing"; libzmq ``src/v3_1_encoder.cpp``.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.string cimport memcpy

from zlinkcompat._runtime.counters cimport Counters
from zlinkcompat.tuning cimport Tuning
from zlinkcompat.wire.zmtp.buffers cimport (
    BUFFER_SIZE, HEADER_MAX, INLINE_MAX, LONG, MORE, acquire_buffer, iovec, release_buffer,
)

from zlinkcompat.wire.zmtp.commands import Subscribe

cdef extern from "Python.h":
    object PyMemoryView_FromMemory(char* memory, Py_ssize_t size, int flags)
    int PyBUF_READ

cdef enum:
    POOL_MAX = 32

# Free batches, shared by all encoders.
cdef Batch* batches[POOL_MAX]
cdef int batch_count = 0


cdef Batch* acquire_batch() except NULL:
    global batch_count
    cdef Batch* batch
    if batch_count > 0:
        batch_count -= 1
        return batches[batch_count]
    batch = <Batch*>PyMem_RawMalloc(sizeof(Batch))
    if batch == NULL:
        raise MemoryError
    return batch


cdef void release_batch(Batch* batch) noexcept:
    global batch_count
    if batch_count < POOL_MAX:
        batches[batch_count] = batch
        batch_count += 1
    else:
        PyMem_RawFree(batch)


cdef class Encoder:
    """Encodes messages as a vector of buffers.

    Small frames are copied together. A large one (``zerocopy_threshold``) is pinned by the buffer
    protocol from :meth:`add` until :meth:`advance` has counted its last byte as written, or until
    :meth:`reset`. :meth:`add` fills a batch, which is written completely before the next begins.

    Parameters
    ----------
    minor : int
        The minor version of the peer's ZMTP 3. With 1, subscriptions are sent as commands, and
        with 0 as messages. -1 means an older version without commands.
    tuning : Tuning, optional
    counters : Counters, optional
        None: nothing is counted.

    Attributes
    ----------
    pending : int, bytes
        Bytes of this batch that are not written yet.
    open_offset : int, bytes
        Above 0: a frame was added up to there, and its rest must be added next.
    accepted : int
        The number of messages that the last :meth:`add_all` added, even if it raised.
    """

    def __init__(self, minor=1, tuning=None, counters=None):
        self.minor = minor
        self.plain = type(self) is Encoder
        self.tuning = Tuning() if tuning is None else tuning
        self.counters = counters

    def __dealloc__(self):
        self.clear()

    cpdef bint add(self, message) except -1:
        """Add a message; return False if the batch is full.

        A part of it may have been added then: add it again, as the first message of the next
        batch. The caller keeps messages alive until :meth:`advance` counts them as written.
        """
        cdef list frames
        cdef Py_ssize_t count
        if self.batch == NULL:
            self.batch = acquire_batch()
        elif self.end_count >= BATCH_MAX:
            return False
        if type(message) is list:
            frames = message
            count = len(frames)
            while self.open_frame < count:
                if not self.add_frame(frames[self.open_frame],
                                      MORE if self.open_frame < count - 1 else 0):
                    return False
                self.open_frame += 1
            self.open_frame = 0
        elif not self.add_frame(message, 0):
            return False
        self.batch.ends[self.end_count] = self.added
        self.end_count += 1
        return True

    cpdef bint add_all(self, list messages) except -1:
        """Add messages until the batch is full (False); :attr:`accepted` is their number."""
        cdef Py_ssize_t count = len(messages)
        self.accepted = 0
        while self.accepted < count:
            if self.run_open and self.plain:
                self.add_short(messages)
                if self.accepted == count:
                    break
            if not self.add(messages[self.accepted]):
                return False
            self.accepted += 1
        return True

    cdef int add_short(self, list messages) except -1:
        """Copy messages of one short frame, from :attr:`accepted` on, to the open part."""
        cdef iovec* part = &self.batch.parts[self.part_count - 1]
        cdef unsigned char* at
        cdef object message
        cdef Py_ssize_t size, limit = 256
        if self.open_frame > 0 or self.open_offset > 0 or self.part_count >= VECTOR_MAX - 1:
            return 0
        if self.tuning.zerocopy_write:
            limit = min(limit, self.tuning.zerocopy_threshold)
        # Nothing below runs code of the program.
        while self.accepted < len(messages) and self.end_count < BATCH_MAX:
            message = messages[self.accepted]
            if type(message) is not bytes:
                break
            size = PyBytes_GET_SIZE(message)
            if size >= limit or self.used + size + HEADER_MAX > BUFFER_SIZE:
                break
            at = self.buffer + self.used
            at[0] = 0
            at[1] = size
            memcpy(at + 2, PyBytes_AS_STRING(message), size)
            if self.counters is not None:
                self.counters.bytes_copied += size
            size += 2
            self.used += size
            part.iov_len += size
            self.pending += size
            self.added += size
            self.batch.ends[self.end_count] = self.added
            self.end_count += 1
            self.accepted += 1
        return 0

    cdef bint add_frame(self, frame, int flags) except -1:
        cdef Py_ssize_t size
        cdef Py_buffer view
        cdef bint done
        if type(frame) is bytes:
            size = PyBytes_GET_SIZE(frame)
            if size < self.tuning.zerocopy_threshold or not self.tuning.zerocopy_write:
                return self.add_copy(<const unsigned char*>PyBytes_AS_STRING(frame), size, flags)
            return self.add_large(frame, size, flags)
        if isinstance(frame, Subscribe):
            return self.add_ready(frame.encode() if self.minor > 0 else frame.encode_as_message())
        data = frame.buffer
        size = data.nbytes
        if size >= self.tuning.zerocopy_threshold and self.tuning.zerocopy_write:
            return self.add_large(data, size, flags)
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            done = self.add_copy(<const unsigned char*>view.buf, size, flags)
        finally:
            PyBuffer_Release(&view)
        return done

    cdef bint add_copy(self, const unsigned char* data, Py_ssize_t size, int flags) except -1:
        """Copy a frame into the buffer; this may take several batches."""
        cdef Py_ssize_t room = BUFFER_SIZE - self.used
        if self.part_count >= VECTOR_MAX - 1:
            return False
        if size + HEADER_MAX > room and (size < INLINE_MAX or room < INLINE_MAX):
            return False
        if self.open_offset == 0 and not self.raw:
            self.put_header(size, flags)
        room = min(BUFFER_SIZE - self.used, size - self.open_offset)
        self.put(data + self.open_offset, room)
        if self.counters is not None:
            self.counters.bytes_copied += room
            if self.open_offset == 0 and size >= self.tuning.zerocopy_threshold:
                self.counters.fallback_write_count += 1
        self.open_offset += room
        if self.open_offset < size:
            return False
        self.open_offset = 0
        return True

    cdef bint add_large(self, data, Py_ssize_t size, int flags) except -1:
        """Add a frame as a reference to the sender's memory."""
        if not self.add_pinned(data, size, flags):
            return False
        if self.counters is not None:
            self.counters.zerocopy_write_count += 1
        return True

    cdef bint add_pinned(self, data, Py_ssize_t size, int flags) except -1:
        cdef Py_buffer* pin
        if self.used + HEADER_MAX > BUFFER_SIZE or self.part_count >= VECTOR_MAX - 2:
            return False
        pin = &self.batch.pins[self.pin_count]
        PyObject_GetBuffer(data, pin, PyBUF_SIMPLE)
        self.pin_count += 1
        if not self.raw:
            self.put_header(size, flags)
        self.batch.pinned_parts[self.pin_count - 1] = self.part_count
        self.batch.parts[self.part_count].iov_base = pin.buf
        self.batch.parts[self.part_count].iov_len = size
        self.part_count += 1
        self.run_open = False
        self.pending += size
        self.added += size
        return True

    cdef bint add_ready(self, bytes data) except -1:
        """Add encoded frames."""
        cdef Py_ssize_t size = len(data)
        cdef bint raw = self.raw
        cdef bint done
        if size < INLINE_MAX:
            if self.used + size > BUFFER_SIZE or self.part_count >= VECTOR_MAX - 1:
                return False
            self.put(<const unsigned char*>PyBytes_AS_STRING(data), size)
            return True
        self.raw = True
        done = self.add_pinned(data, size, 0)
        self.raw = raw
        return done

    cpdef add_control(self, bytes data):
        """Add encoded frames (PING, ...) at the start of a batch; they count as no message."""
        if self.batch == NULL:
            self.batch = acquire_batch()
        if not self.add_ready(data):
            raise MemoryError("a batch of control frames exceeds the buffer")
        self.started = self.added

    cdef int put_header(self, Py_ssize_t size, int flags) except -1:
        cdef unsigned char header[9]
        cdef int i
        if size < 256:
            header[0] = flags
            header[1] = size
            return self.put(header, 2)
        header[0] = flags | LONG
        for i in range(8):
            header[1 + i] = (size >> (56 - 8 * i)) & 0xFF
        return self.put(header, 9)

    cdef int put(self, const unsigned char* data, Py_ssize_t size) except -1:
        if self.buffer == NULL:
            self.buffer = acquire_buffer()
        if not self.run_open:
            self.batch.parts[self.part_count].iov_base = self.buffer + self.used
            self.batch.parts[self.part_count].iov_len = 0
            self.part_count += 1
            self.run_open = True
        memcpy(self.buffer + self.used, data, size)
        self.used += size
        self.batch.parts[self.part_count - 1].iov_len += size
        self.pending += size
        self.added += size
        return 0

    def encode_command(self, command):
        """Return encoded frames for :meth:`add_control`."""
        return command.encode()

    def close_frame(self, failure):
        """Return frames that tell the peer why the connection ends; b"", as ZMTP has none."""
        return b""

    def vector(self):
        """Return the data to write, as memoryviews in order."""
        cdef int i
        views = []
        for i in range(self.first_part, self.part_count):
            if self.batch.parts[i].iov_len:
                views.append(PyMemoryView_FromMemory(
                    <char*>self.batch.parts[i].iov_base, self.batch.parts[i].iov_len, PyBUF_READ))
        return views

    cdef int fill_vector(self, iovec* vector, int room) except -1:
        cdef int count = min(room, self.part_count - self.first_part)
        if count > 0:
            memcpy(vector, &self.batch.parts[self.first_part], count * sizeof(iovec))
        return count

    cpdef Py_ssize_t advance(self, Py_ssize_t count) except -1:
        """Note that ``count`` bytes were written; return how many messages were completed."""
        cdef Py_ssize_t finished = 0
        cdef iovec* part
        self.pending -= count
        self.written += count
        while self.first_end < self.end_count and self.batch.ends[self.first_end] <= self.written:
            self.started = self.batch.ends[self.first_end]
            self.first_end += 1
            finished += 1
            self.open_written = False
        if self.pending == 0:
            if self.open_frame > 0 or self.open_offset > 0:
                # A part of a message is written, and the rest waits for the next batch.
                self.open_written = True
            self.clear()
            return finished
        while count > 0:
            part = &self.batch.parts[self.first_part]
            if count < <Py_ssize_t>part.iov_len:
                part.iov_base = <char*>part.iov_base + count
                part.iov_len -= count
                break
            count -= part.iov_len
            self.first_part += 1
        while (self.first_pin < self.pin_count
               and self.batch.pinned_parts[self.first_pin] < self.first_part):
            # To release runs the owner's code, perhaps.
            self.first_pin += 1
            PyBuffer_Release(&self.batch.pins[self.first_pin - 1])
        return finished

    @property
    def has_partial_write(self):
        """Whether some but not all bytes of the first unfinished message were written."""
        return self.open_written or self.written > self.started

    cpdef reset(self):
        """Drop all data and state."""
        self.clear()
        self.open_frame = self.open_offset = 0
        self.open_written = False

    cdef clear(self):
        """End the batch."""
        while self.pin_count > self.first_pin:
            self.pin_count -= 1
            PyBuffer_Release(&self.batch.pins[self.pin_count])
        self.first_pin = self.pin_count = 0
        if self.buffer != NULL:
            release_buffer(self.buffer)
            self.buffer = NULL
        if self.batch != NULL:
            release_batch(self.batch)
            self.batch = NULL
        self.used = self.pending = 0
        self.first_part = self.part_count = 0
        self.run_open = False
        self.first_end = self.end_count = 0
        self.added = self.written = self.started = 0


cdef class RawEncoder(Encoder):
    """Encoder without headers: it sends the bytes of each frame (for STREAM sockets)."""

    def __init__(self, minor=1, tuning=None, counters=None):
        Encoder.__init__(self, minor, tuning, counters)
        self.raw = True

"""Messages in WebSocket frames (ZWS 2.0). ``frames.py`` is its pure-Python fallback.

One frame of a message is a binary WebSocket message: a flags byte (MORE 1, COMMAND 2) and the body,
in one or several WebSocket frames. A client masks its frames. Buffers and the order of writing are
those of the ZMTP codec.

Source: RFC 45 (ZWS 2.0); RFC 6455, section 5; libzmq ``src/ws_decoder.cpp``, ``ws_encoder.cpp``.
"""

import os

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

from zlinkcompat.wire.zmtp.buffers cimport BUFFER_SIZE, COMMAND, INLINE_MAX, MORE
from zlinkcompat.wire.zmtp.decoder cimport Decoder, HEADER_READ_FROM
from zlinkcompat.wire.zmtp.encoder cimport Encoder, VECTOR_MAX
from zlinkcompat.wire.ws.mask cimport xor_into

from zlinkcompat.wire.zmtp.commands import Subscribe, parse_command_untrusted
from zlinkcompat.wire.errors import MessageTooLarge
from zlinkcompat.wire.ws.control import (
    WebSocketError,
    check_text,
    close_for,
    parse_control_untrusted,
    payload_of,
)

cdef enum:
    ZWS_COMMAND = 2
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PONG = 10
    FIN = 0x80
    MASKED = 0x80
    MAX_CONTROL = 125
    # Two bytes, eight of size, four of key, one of flags.
    HEADER_MAX = 15
    # Maximum bytes of large bodies that are copied before the kernel accepts them.
    COPIED_AHEAD = 262144
    KEYS = 1024


cdef class ZwsDecoder(Decoder):
    """Decodes WebSocket frames into whole messages.

    Parameters
    ----------
    max_size : int, bytes
        Limit of one frame of a message, all fragments together (MAXMSGSIZE); -1 means no limit.
    server : bool
        Whether the peer is a client, which must mask its frames.
    raw : bool
        Plain WebSocket without flags: every message is bytes (for STREAM sockets).

    Raises
    ------
    WebSocketError, MessageTooLarge
        From :meth:`next`.
    """

    def __init__(self, max_size=-1, server=False, raw=False, tuning=None, counters=None):
        Decoder.__init__(self, max_size, tuning, counters)
        self.server = server
        self.raw = raw
        self.final = True

    cpdef next(self):
        cdef Py_ssize_t available, size = 0, length
        cdef unsigned char* at
        cdef bytes body
        while True:
            if self.body_size > 0:
                if self.body_filled < self.body_size:
                    return None
                body = self.take_body()
                self.body_size = 0
                message = self.end_frame(body)
                if message is not None:
                    return message
                continue
            length = self.read_header(&size)
            if length == 0:
                return None
            available = self.tail - self.head
            if length + size <= available:
                self.begin_frame()
                at = self.buffer + self.head + length
                body = PyBytes_FromStringAndSize(NULL, size)
                if self.server:
                    xor_into(<unsigned char*>PyBytes_AS_STRING(body), at, size, self.key,
                             self.phase)
                else:
                    memcpy(PyBytes_AS_STRING(body), at, size)
                self.head += length + size
                self.position += length + size
                if self.read_size != self.max_read_size and size < HEADER_READ_FROM:
                    self.read_size = self.max_read_size
                if self.opcode >= CLOSE:
                    self.control = self.opcode
                    self.is_command = True
                    return body
                message = self.end_frame(body)
                if message is not None:
                    return message
            elif self.opcode < CLOSE and (size >= self.large or length + size > BUFFER_SIZE):
                self.begin_frame()
                self.head += length
                self.position += length
                self.begin_body(size, 0)
                self.unmasked = 0
                self.unmask()
            else:
                return None

    cpdef commit(self, Py_ssize_t count):
        Decoder.commit(self, count)
        if self.body_size > 0:
            self.unmask()

    cdef unmask(self):
        """Unmask the received part of a large body while it is in the CPU's cache."""
        cdef unsigned char* at
        if self.server and self.body_filled > self.unmasked:
            at = <unsigned char*>PyBytes_AS_STRING(self.body) + self.unmasked
            xor_into(at, at, self.body_filled - self.unmasked, self.key,
                     (self.phase + self.unmasked) & 3)
        self.unmasked = self.body_filled

    cdef Py_ssize_t read_header(self, Py_ssize_t* body_size) except -1:
        """Return the bytes of the next frame's header, and of its body; 0 if it is incomplete."""
        cdef Py_ssize_t available = self.tail - self.head
        cdef Py_ssize_t need, i
        cdef unsigned char* at
        cdef unsigned long long size
        cdef int first, second, opcode, extended, flags
        cdef bint flagged
        if available < 2:
            return 0
        at = self.buffer + self.head
        first = at[0]
        second = at[1]
        opcode = first & 0x0F
        size = second & 0x7F
        self.check_start(first, second, opcode, size)
        extended = 2 if size == 126 else 8 if size == 127 else 0
        if available < 2 + extended:
            return 0
        at += 2
        if extended:
            size = 0
            for i in range(extended):
                size = (size << 8) | at[i]
            at += extended
            if size >> 63:
                raise WebSocketError("a frame of %d bytes" % size, self.position)
        flagged = not self.raw and opcode == BINARY
        if flagged:
            if size == 0:
                raise WebSocketError("a message lacks its flags byte", self.position)
            size -= 1
        self.check_size(opcode, size)
        need = 2 + extended + (4 if self.server else 0) + flagged
        if available < need:
            return 0
        self.phase = 0
        if self.server:
            memcpy(self.key, at, 4)
            at += 4
        if flagged:
            flags = at[0]
            if self.server:
                flags ^= self.key[0]
            if flags > ZWS_COMMAND:
                raise WebSocketError("a message has reserved flags: 0x%02x" % flags, self.position)
            self.flags = flags
            self.phase = 1
        if opcode < CLOSE and not self.raw:
            if self.flags & ZWS_COMMAND:
                if opcode == CONTINUATION:
                    self.check_command(size + len(self.pieces), False)
                else:
                    self.check_command(size, False)
            elif self.commands_only:
                self.refuse_message()
        self.opcode = opcode
        self.final = first & FIN
        body_size[0] = size
        return need

    cdef begin_frame(self):
        """Accept the frame whose header was read, at once or piece by piece."""
        if self.opcode < CLOSE:
            if self.opcode:
                self.text = self.opcode == TEXT
            self.started = not self.final

    cdef int check_start(self, int first, int second, int opcode, Py_ssize_t size) except -1:
        if first & 0x70:
            raise WebSocketError("reserved bits, but no extension was agreed on", self.position)
        if (second & MASKED != 0) != self.server:
            raise WebSocketError("an unmasked frame from a client" if self.server else
                                 "a masked frame from a server", self.position)
        if opcode >= CLOSE:
            if opcode > PONG:
                raise WebSocketError("a frame has the opcode %d" % opcode, self.position)
            if not first & FIN:
                raise WebSocketError("a fragmented control frame", self.position)
            if size > MAX_CONTROL:
                raise WebSocketError("a control frame of over 125 bytes", self.position)
        elif opcode > BINARY:
            raise WebSocketError("a frame has the opcode %d" % opcode, self.position)
        elif opcode == TEXT and not self.raw:
            raise WebSocketError("a text message, but ZWS needs binary ones", self.position, 1003)
        elif (opcode == CONTINUATION) != self.started:
            raise WebSocketError("a fragment without a beginning" if not self.started else
                                 "a message begins within another", self.position)
        return 0

    cdef int check_size(self, int opcode, unsigned long long size) except -1:
        if opcode >= CLOSE:
            return 0
        if opcode == CONTINUATION:
            size += len(self.pieces)
        if size > <unsigned long long>self.max_size:
            raise MessageTooLarge("a message of %d bytes is over the limit, %d"
                                  % (size, self.max_size), self.position)
        return 0

    cdef end_frame(self, bytes body):
        """Handle a complete data frame; return the message if it is complete as well."""
        if not self.final:
            if self.pieces is None:
                self.pieces = bytearray()
            self.pieces += body
            if 0 < self.max_unfinished < self.unfinished + len(self.pieces):
                raise MessageTooLarge(
                    "%d bytes of an unfinished message are over the limit, %d bytes"
                    % (self.unfinished + len(self.pieces), self.max_unfinished), self.position)
            return None
        if self.pieces is not None:
            self.pieces += body
            body = bytes(self.pieces)
            self.pieces = None
        if self.raw:
            self.is_command = False
            if self.text:
                check_text(body, self.position)
            # Drop an empty message: to a STREAM socket it would mean that the peer is gone.
            return body or None
        self.control = 0
        return self.finish(body, COMMAND if self.flags & ZWS_COMMAND else self.flags & MORE)

    cpdef parse_command(self, bytes body):
        cdef int control = self.control
        if control:
            self.control = 0
            return parse_control_untrusted(control, body, self.position)
        return parse_command_untrusted(body, self.position)


cdef class ZwsEncoder(Encoder):
    """Encodes messages as a vector of WebSocket frames.

    A server's large bodies are referenced until they are written, as in ZMTP. A client masks them
    into a copy. If ``zerocopy_write`` is off, a server copies them as well.

    Parameters
    ----------
    client : bool
        Mask each frame with an unpredictable key (RFC 6455, 10.3).
    raw : bool
        Plain WebSocket, without flags.
    text : bool
        Send text messages instead of binary ones.
    """

    def __init__(self, client=False, raw=False, text=False, tuning=None, counters=None):
        Encoder.__init__(self, 0, tuning, counters)
        # Smaller frames are copied as a whole, so they must fit the buffer.
        self.large = INLINE_MAX
        self.copies = client or not self.tuning.zerocopy_write
        if self.tuning.zerocopy_write:
            self.large = min(self.tuning.zerocopy_threshold, INLINE_MAX)
        self.client = client
        self.plain = raw
        self.first = FIN | (TEXT if text else BINARY)
        # This class builds the headers, and the base class must not add its own.
        self.raw = True

    cdef bint add_frame(self, frame, int flags) except -1:
        cdef Py_buffer view
        cdef Py_ssize_t size
        if isinstance(frame, Subscribe):
            frame = frame.mark + frame.topic
        if type(frame) is bytes:
            size = PyBytes_GET_SIZE(frame)
            if size < self.large:
                return self.add_whole(<const unsigned char*>PyBytes_AS_STRING(frame), size, flags)
            return self.add_long(frame, size, flags)
        frame = frame.buffer
        size = frame.nbytes
        if size >= self.large:
            return self.add_long(frame, size, flags)
        PyObject_GetBuffer(frame, &view, PyBUF_SIMPLE)
        try:
            return self.add_whole(<const unsigned char*>view.buf, size, flags)
        finally:
            PyBuffer_Release(&view)

    cdef bint add_whole(self, const unsigned char* data, Py_ssize_t size, int flags) except -1:
        cdef unsigned char* at
        if self.used + size + HEADER_MAX > BUFFER_SIZE or self.part_count >= VECTOR_MAX - 1:
            return False
        self.put_start(size, flags)
        self.put(data, size)
        self.count_copy(size)
        if self.client:
            at = self.buffer + self.used - size
            xor_into(at, at, size, self.mask_key, 0 if self.plain else 1)
        return True

    cdef bint add_long(self, data, Py_ssize_t size, int flags) except -1:
        cdef Py_buffer view
        cdef bytes copy
        # The header may start a new part.
        if self.used + 2 * HEADER_MAX > BUFFER_SIZE or self.part_count >= VECTOR_MAX - 3:
            return False
        if self.copies or size < self.tuning.zerocopy_threshold:
            if self.pending >= COPIED_AHEAD:
                return False
            # Allocate before writing the header, because the allocation can fail.
            copy = PyBytes_FromStringAndSize(NULL, size)
            self.put_start(size, flags)
            PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
            if self.client:
                xor_into(<unsigned char*>PyBytes_AS_STRING(copy), <const unsigned char*>view.buf,
                         size, self.mask_key, 0 if self.plain else 1)
            else:
                memcpy(PyBytes_AS_STRING(copy), view.buf, size)
            PyBuffer_Release(&view)
            self.count_copy(size)
            return self.add_pinned(copy, size, 0)
        self.put_start(size, flags)
        return self.add_large(data, size, 0)

    cdef int count_copy(self, Py_ssize_t size) except -1:
        if self.counters is not None:
            self.counters.bytes_copied += size
            if size >= self.tuning.zerocopy_threshold:
                self.counters.fallback_write_count += 1
        return 0

    cdef int put_start(self, Py_ssize_t size, int flags) except -1:
        """Write the header, the key and the flags of a frame."""
        cdef unsigned char header[HEADER_MAX]
        cdef int length, i
        cdef int mask = MASKED if self.client else 0
        if not self.plain:
            size += 1
        header[0] = self.first
        if size <= 125:
            header[1] = mask | size
            length = 2
        elif size <= 0xFFFF:
            header[1] = mask | 126
            header[2] = size >> 8
            header[3] = size & 0xFF
            length = 4
        else:
            header[1] = mask | 127
            for i in range(8):
                header[2 + i] = (size >> (56 - 8 * i)) & 0xFF
            length = 10
        if self.client:
            self.next_key()
            memcpy(header + length, self.mask_key, 4)
            length += 4
        if not self.plain:
            header[length] = flags ^ (self.mask_key[0] if self.client else 0)
            length += 1
        return self.put(header, length)

    cdef int next_key(self) except -1:
        if self.keys is None or self.next_at >= KEYS:
            self.keys = os.urandom(KEYS)
            self.next_at = 0
        memcpy(self.mask_key, PyBytes_AS_STRING(self.keys) + self.next_at, 4)
        self.next_at += 4
        return 0

    def encode_command(self, command):
        """Return the whole frame of a Ping, Pong or Close."""
        opcode, payload = payload_of(command)
        return self.encode_payload(FIN | opcode, payload)

    def close_frame(self, failure):
        """Return a close frame with the reason for the peer; b"" if the peer cannot be told."""
        command = close_for(failure)
        return b"" if command is None else self.encode_command(command)

    def encode_message(self, int flags, bytes body):
        """Return the whole frame of a handshake message; ``flags`` as in RFC 45."""
        return self.encode_payload(FIN | BINARY, bytes([flags]) + body)

    cdef bytes encode_payload(self, int first, bytes payload):
        cdef int mask = MASKED if self.client else 0
        cdef Py_ssize_t size = len(payload)
        cdef bytearray frame = bytearray([first])
        cdef bytes copy
        if size <= 125:
            frame.append(mask | size)
        elif size <= 0xFFFF:
            frame.append(mask | 126)
            frame += (<object>size).to_bytes(2, "big")
        else:
            frame.append(mask | 127)
            frame += (<object>size).to_bytes(8, "big")
        if self.client:
            self.next_key()
            frame += self.mask_key[:4]
            copy = PyBytes_FromStringAndSize(NULL, size)
            xor_into(<unsigned char*>PyBytes_AS_STRING(copy),
                     <const unsigned char*>PyBytes_AS_STRING(payload), size, self.mask_key, 0)
            payload = copy
        frame += payload
        return bytes(frame)

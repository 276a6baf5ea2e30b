"""Messages encrypted by CURVE, one box per frame. ``curve_codec.py`` is the pure-Python fallback.

A box is the body of a frame without flags. It consists of the word MESSAGE, a nonce, an
authentication code, and the encrypted flags (MORE 1, COMMAND 2) and body. Buffers and the order of
writing are those of the underlying codecs for ZMTP and ZWS.

Source: RFC 26, "Message Framing"; libzmq ``src/curve_mechanism_base.cpp``.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.string cimport memcmp, memcpy

from zlinkcompat.wire.zmtp.buffers cimport BUFFER_SIZE, COMMAND, INLINE_MAX, MORE
from zlinkcompat.wire.zmtp.decoder cimport Decoder
from zlinkcompat.wire.zmtp.encoder cimport Encoder, VECTOR_MAX
from zlinkcompat.wire.ws.frames cimport ZwsDecoder, ZwsEncoder

from zlinkcompat.wire.zmtp.commands import Subscribe, frame_of_message
from zlinkcompat.wire.errors import (
    CRYPTOGRAPHIC,
    INVALID_SEQUENCE,
    MALFORMED_MESSAGE,
    UNEXPECTED_COMMAND,
    CryptoError,
)
from zlinkcompat.wire.security.sodium import addresses

__all__ = ["CurveDecoder", "CurveEncoder", "CurveZwsDecoder", "CurveZwsEncoder"]

# int crypto_box_..._afternm(to, from, size of from, nonce, key): 0 is success.
ctypedef int (*box_function)(unsigned char*, const unsigned char*, unsigned long long,
                             const unsigned char*, const unsigned char*) noexcept

cdef enum:
    INNER_COMMAND = 2
    WORD = 8
    # Offsets of the box and of the parts in it.
    BOX = 16
    PLAIN = 32
    BODY = 33
    # Maximum bytes of large frames that are encrypted before the kernel accepts them.
    SEALED_AHEAD = 262144
    # Bytes for large frames in one batch: four frames of 64 KiB.
    ARENA = 266240
    POOL_MAX = 4
    # The header of a frame, including flags and mask.
    HEADER_MAX = 15

cdef const unsigned char* MESSAGE = b"\x07MESSAGE"

# Free arenas, shared by all encoders, because newly allocated memory slows encryption down.
cdef unsigned char* pool[POOL_MAX]
cdef int pool_count = 0


cdef unsigned char* acquire() except NULL:
    global pool_count
    cdef unsigned char* arena
    if pool_count > 0:
        pool_count -= 1
        return pool[pool_count]
    arena = <unsigned char*>PyMem_RawMalloc(ARENA)
    if arena == NULL:
        raise MemoryError
    return arena


cdef void release(unsigned char* arena) noexcept:
    global pool_count
    if pool_count < POOL_MAX:
        pool[pool_count] = arena
        pool_count += 1
    else:
        PyMem_RawFree(arena)


cdef box_function encrypt = NULL
cdef box_function decrypt = NULL


cdef int find_functions() except -1:
    global encrypt, decrypt
    cdef size_t at
    if encrypt == NULL:
        first, second = addresses()
        at = first
        encrypt = <box_function>at
        at = second
        decrypt = <box_function>at
    return 0


cdef class Sealer:
    """Encrypts frames into boxes.

    Parameters
    ----------
    key : bytes, 32
        The key of this connection.
    prefix : bytes, 16
        The nonce prefix of this direction.
    next : int
        The first nonce to use; each further one is larger by one.
    """

    def __init__(self, bytes key, bytes prefix, unsigned long long next):
        if len(key) != 32 or len(prefix) != 16:
            raise ValueError("a key must have 32 bytes, and a nonce prefix 16")
        find_functions()
        self.key = key
        memcpy(self.nonce, PyBytes_AS_STRING(prefix), 16)
        self.next = next

    cdef int seal_into(self, unsigned char* at, const unsigned char* data, Py_ssize_t size,
                       int flags) except -1:
        """Write a box of ``size + BODY`` bytes."""
        cdef int i
        for i in range(8):
            self.nonce[16 + i] = (self.next >> (56 - 8 * i)) & 0xFF
        self.next += 1
        memcpy(at, MESSAGE, WORD)
        memcpy(at + WORD, self.nonce + 16, 8)
        at[PLAIN] = flags
        memcpy(at + BODY, data, size)
        # In place: libsodium writes the text after the authentication code, where it is already.
        if encrypt(at + BOX, at + PLAIN, size + 1, self.nonce,
                   <const unsigned char*>PyBytes_AS_STRING(self.key)):
            raise MemoryError("libsodium cannot encrypt a frame of this size")
        return 0

    cdef bytes seal(self, data, int flags):
        """Return a box as a new object."""
        cdef Py_buffer view
        cdef bytes box
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            box = PyBytes_FromStringAndSize(NULL, view.len + BODY)
            self.seal_into(<unsigned char*>PyBytes_AS_STRING(box),
                           <const unsigned char*>view.buf, view.len, flags)
        finally:
            PyBuffer_Release(&view)
        return box


cdef class Opener:
    """Decrypts frames from boxes.

    Parameters
    ----------
    key, prefix : bytes
        As for :class:`Sealer`, but of the other direction.
    last : int
        The last nonce that the peer used; each must be greater than the one before.

    Attributes
    ----------
    flags : int
        The flags of the last frame.
    """

    def __init__(self, bytes key, bytes prefix, unsigned long long last):
        if len(key) != 32 or len(prefix) != 16:
            raise ValueError("a key must have 32 bytes, and a nonce prefix 16")
        find_functions()
        self.key = key
        memcpy(self.nonce, PyBytes_AS_STRING(prefix), 16)
        self.last = last

    cdef bytes open(self, bytes body, bint more, long long position):
        """Return the frame in a box, which is overwritten, so no one else may refer to it.

        ``more``: the box has a visible MORE flag, which is forbidden. Raises CryptoError."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(body)
        cdef unsigned char* at = <unsigned char*>PyBytes_AS_STRING(body)
        cdef unsigned long long nonce = 0
        cdef int i
        if size < WORD or memcmp(at, MESSAGE, WORD):
            raise CryptoError("a frame is not encrypted", position, UNEXPECTED_COMMAND)
        if size < BODY or more:
            raise CryptoError("an encrypted message is cut off", position, MALFORMED_MESSAGE)
        for i in range(WORD, BOX):
            nonce = (nonce << 8) | at[i]
        if nonce <= self.last:
            raise CryptoError("an encrypted message was replayed or is out of order", position,
                              INVALID_SEQUENCE)
        self.last = nonce
        memcpy(self.nonce + 16, at + WORD, 8)
        if decrypt(at + PLAIN, at + BOX, size - BOX, self.nonce,
                   <const unsigned char*>PyBytes_AS_STRING(self.key)):
            raise CryptoError("an encrypted message was forged", position, CRYPTOGRAPHIC)
        self.flags = at[PLAIN]
        if self.flags > INNER_COMMAND:
            raise CryptoError("an encrypted message has reserved flags: 0x%02x" % self.flags,
                              position, MALFORMED_MESSAGE)
        return PyBytes_FromStringAndSize(<char*>at + BODY, size - BODY)


cdef join(Decoder decoder, Opener opener, bytes body, int flags):
    """Handle a complete box; return the message if it is complete as well."""
    cdef bytes frame = opener.open(body, flags & MORE, decoder.position)
    if opener.flags & INNER_COMMAND:
        decoder.check_command(PyBytes_GET_SIZE(frame), False)
        decoder.is_command = True
        return frame
    decoder.is_command = False
    if opener.flags & MORE:
        decoder.append_part(frame)
        return None
    if not decoder.parts:
        return frame
    message = decoder.parts
    decoder.parts = []
    decoder.unfinished = 0
    message.append(frame)
    return message


cdef class CurveDecoder(Decoder):
    """Decodes ZMTP frames into whole messages; after :meth:`secure`, it decrypts them.

    Raises
    ------
    CryptoError
        From :meth:`next`: a box was forged, replayed or out of order, or a frame is not a box.
    """

    def secure(self, bytes key, bytes prefix, unsigned long long last):
        """Decrypt everything from now on. See :class:`Opener` for the parameters."""
        self.opener = Opener(key, prefix, last)
        # Set a list, even an empty one, so that the base class passes each frame to ``finish``.
        self.parts = []

    cdef finish(self, object frame, int flags):
        if self.opener is None:
            return Decoder.finish(self, frame, flags)
        return join(self, self.opener, frame, flags)


cdef class CurveZwsDecoder(ZwsDecoder):
    """Decodes encrypted messages in WebSocket frames. Control frames are not encrypted."""

    def secure(self, bytes key, bytes prefix, unsigned long long last):
        self.opener = Opener(key, prefix, last)
        self.parts = []

    cdef finish(self, object frame, int flags):
        if self.opener is None:
            return ZwsDecoder.finish(self, frame, flags)
        return join(self, self.opener, frame, flags)


cdef class CurveEncoder(Encoder):
    """Encodes messages as a vector of ZMTP frames; after :meth:`secure`, it encrypts them."""

    def secure(self, bytes key, bytes prefix, unsigned long long next):
        """Encrypt everything from now on. See :class:`Sealer` for the parameters."""
        self.sealer = Sealer(key, prefix, next)

    cdef bint add_frame(self, frame, int flags) except -1:
        cdef Py_buffer view
        cdef Py_ssize_t size
        if type(frame) is not bytes:
            if isinstance(frame, Subscribe):
                if self.minor:
                    frame = frame.body()
                    flags = INNER_COMMAND
                else:
                    frame = frame.mark + frame.topic
            else:
                frame = frame.buffer
                size = frame.nbytes
                if size + BODY >= INLINE_MAX:
                    return self.add_long(frame, size, flags)
                PyObject_GetBuffer(frame, &view, PyBUF_SIMPLE)
                try:
                    return self.add_whole(<const unsigned char*>view.buf, size, flags)
                finally:
                    PyBuffer_Release(&view)
        size = PyBytes_GET_SIZE(frame)
        if size + BODY >= INLINE_MAX:
            return self.add_long(frame, size, flags)
        return self.add_whole(<const unsigned char*>PyBytes_AS_STRING(frame), size, flags)

    cdef bint add_whole(self, const unsigned char* data, Py_ssize_t size, int flags) except -1:
        """Encrypt a small frame directly into the write buffer."""
        cdef Py_ssize_t whole = size + BODY
        if self.used + HEADER_MAX + whole > BUFFER_SIZE or self.part_count >= VECTOR_MAX - 1:
            return False
        self.put_header(whole, 0)
        self.sealer.seal_into(self.buffer + self.used, data, size, flags)
        self.used += whole
        self.batch.parts[self.part_count - 1].iov_len += whole
        self.pending += whole
        self.added += whole
        return True

    cdef bint add_long(self, data, Py_ssize_t size, int flags) except -1:
        cdef Py_ssize_t whole = size + BODY
        cdef Py_buffer view
        if self.used + HEADER_MAX > BUFFER_SIZE or self.part_count >= VECTOR_MAX - 2:
            return False
        if whole > ARENA:
            if self.pending:
                return False
            return self.add_large(self.sealer.seal(data, flags), whole, 0)
        if self.arena == NULL:
            self.arena = acquire()
        elif self.arena_used + whole > ARENA:
            return False
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.put_header(whole, 0)
            self.sealer.seal_into(self.arena + self.arena_used, <const unsigned char*>view.buf,
                                  size, flags)
        finally:
            PyBuffer_Release(&view)
        self.batch.parts[self.part_count].iov_base = self.arena + self.arena_used
        self.batch.parts[self.part_count].iov_len = whole
        self.part_count += 1
        self.run_open = False
        self.arena_used += whole
        self.pending += whole
        self.added += whole
        return True

    cdef clear(self):
        if self.arena != NULL:
            release(self.arena)
            self.arena = NULL
        self.arena_used = 0
        Encoder.clear(self)

    def encode_command(self, command):
        """Return encoded frames for :meth:`add_control`."""
        return frame_of_message(self.sealer.seal(command.body(), INNER_COMMAND))


cdef class CurveZwsEncoder(ZwsEncoder):
    """Encodes encrypted messages as WebSocket frames. Control frames are not encrypted."""

    def secure(self, bytes key, bytes prefix, unsigned long long next):
        self.sealer = Sealer(key, prefix, next)

    cdef bint add_frame(self, frame, int flags) except -1:
        cdef Py_ssize_t whole
        if isinstance(frame, Subscribe):
            frame = frame.mark + frame.topic
        elif type(frame) is not bytes:
            frame = frame.buffer
        whole = len(frame) + BODY
        # Check for room first, so that no frame is encrypted in vain.
        if self.pending and (
            self.pending >= SEALED_AHEAD
            or self.part_count >= VECTOR_MAX - 3
            or self.used + 2 * HEADER_MAX + (whole if whole < self.large else 0) > BUFFER_SIZE
        ):
            return False
        return ZwsEncoder.add_frame(self, self.sealer.seal(frame, flags), 0)

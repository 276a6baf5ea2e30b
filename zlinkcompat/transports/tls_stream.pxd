from zlinkcompat._runtime.guard cimport Guard
from zlinkcompat.transports.socket_stream cimport SocketStream
from zlinkcompat.wire.zmtp.decoder cimport Decoder
from zlinkcompat.wire.zmtp.encoder cimport Encoder

cimport cython

cdef Py_ssize_t RECORD
cdef Py_ssize_t AHEAD
cdef Py_ssize_t PORTION
cdef Py_ssize_t DATALESS_MAX
cdef Py_ssize_t ANSWERS_MAX
cdef int HEADER


cdef class TlsStream(SocketStream):
    cdef object link
    cdef object incoming
    cdef object outgoing
    cdef readonly object tls
    cdef object read
    cdef object write
    cdef bytes unsent
    cdef Py_ssize_t sent
    cdef bytearray answers
    cdef bint answering
    cdef bytes waiting
    cdef Py_ssize_t waiting_at
    cdef Py_ssize_t record_left
    cdef int header_filled, size_high
    cdef Py_ssize_t dataless
    cdef list records
    cdef Py_ssize_t first_record
    cdef Py_ssize_t encrypted
    cdef bint ready
    # The guard of OpenSSL's object.
    cdef Guard guard
    cdef Py_ssize_t handshake_bytes

    cpdef begin(self)
    @cython.locals(count=Py_ssize_t, end=Py_ssize_t)
    cpdef Py_ssize_t fetch(self, counters=*, Py_ssize_t most=*) except -2
    @cython.locals(end=Py_ssize_t)
    cdef bint feed(self) except -1
    @cython.locals(records=Py_ssize_t, step=Py_ssize_t)
    cdef Py_ssize_t portion(self, const unsigned char* data, Py_ssize_t at,
                            Py_ssize_t end) except -2
    cpdef Py_ssize_t read_into(self, Decoder decoder) except -2
    cpdef Py_ssize_t write_from(self, Encoder encoder) except -2
    cdef int check_dataless(self) except -1
    @cython.locals(size=Py_ssize_t, filled=Py_ssize_t, count=Py_ssize_t, result=Py_ssize_t,
                   ended=bint, fetched=bint)
    cdef Py_ssize_t decrypt_into(self, Decoder decoder) except -2
    @cython.locals(done=Py_ssize_t, skip=Py_ssize_t, ahead=Py_ssize_t, size=Py_ssize_t,
                   at=Py_ssize_t, end=Py_ssize_t)
    cdef Py_ssize_t encrypt_from(self, Encoder encoder) except -2
    cpdef end(self)
    cdef answer(self)
    cdef collect(self)
    cdef bint push(self, counters=*) except -1
    @cython.locals(end=Py_ssize_t, size=Py_ssize_t, done=Py_ssize_t)
    cdef Py_ssize_t report(self) except -1

"""The stream of a connected socket: recvmsg(2) and sendmsg(2) directly on the codec's buffers.

The GIL is not released. With MSG_DONTWAIT the calls never wait, and releasing and reacquiring the
GIL would cost more than a small message.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals, PyErr_SetFromErrno
from libc.errno cimport EAGAIN, ECONNRESET, EINTR, errno
from libc.string cimport memset
from posix.unistd cimport close as close_fd

from zlinkcompat.transports.bytestream cimport ByteStream
from zlinkcompat.wire.zmtp.buffers cimport iovec
from zlinkcompat.wire.zmtp.decoder cimport Decoder
from zlinkcompat.wire.zmtp.encoder cimport Encoder


cdef extern from "<sys/socket.h>" nogil:
    """
    #ifndef MSG_NOSIGNAL  /* macOS */
    #define MSG_NOSIGNAL 0
    #endif
    """
    struct msghdr:
        iovec* msg_iov
        size_t msg_iovlen

    int MSG_DONTWAIT
    int MSG_NOSIGNAL
    Py_ssize_t recv(int fd, void* buffer, size_t size, int flags)
    Py_ssize_t send(int fd, const void* buffer, size_t size, int flags)
    Py_ssize_t sendmsg(int fd, const msghdr* message, int flags)
    Py_ssize_t recvmsg(int fd, msghdr* message, int flags)


cdef extern from "<poll.h>" nogil:
    """
    #ifndef POLLRDHUP  /* Linux has it */
    #define POLLRDHUP 0
    #endif
    """
    struct pollfd:
        int fd
        short events
        short revents

    int POLLRDHUP
    int MSG_PEEK
    int poll(pollfd* descriptors, unsigned long count, int timeout)


# An encoder's batch is usually smaller. Buffers that do not fit go with the next call.
cdef enum:
    VECTOR = 64


cdef int failed() except -2:
    """Handle errno: return 1 to try again, -1 if the call would block; otherwise raise."""
    if errno == EAGAIN:
        return -1
    if errno == EINTR:
        # PEP 475: run the program's signal handlers (one of them may raise), then continue.
        PyErr_CheckSignals()
        return 1
    PyErr_SetFromErrno(OSError)


cdef class SocketStream(ByteStream):
    """The stream of a connected tcp or Unix socket.

    Parameters
    ----------
    fd : int
        The descriptor of a non-blocking socket, which the stream owns now (``sock.detach()``).
    """

    cpdef Py_ssize_t read_into(self, Decoder decoder) except -2:
        cdef iovec vector[2]
        cdef msghdr message
        cdef Py_ssize_t count
        cdef int parts = decoder.reserve(vector)
        if parts > 1:
            memset(&message, 0, sizeof(message))
            message.msg_iov = vector
            message.msg_iovlen = parts
        while True:
            if decoder.counters is not None:
                decoder.counters.read_calls += 1
            if parts == 1:
                count = recv(self.fd, vector[0].iov_base, vector[0].iov_len, MSG_DONTWAIT)
            else:
                count = recvmsg(self.fd, &message, MSG_DONTWAIT)
            if count > 0:
                decoder.commit(count)
                return count
            if count == 0:
                return 0
            if failed() < 0:
                return -1

    cpdef Py_ssize_t write_from(self, Encoder encoder) except -2:
        cdef iovec vector[VECTOR]
        cdef msghdr message
        cdef Py_ssize_t count
        cdef int parts = encoder.fill_vector(vector, VECTOR)
        if parts == 0:
            return 0
        memset(&message, 0, sizeof(message))
        message.msg_iov = vector
        message.msg_iovlen = parts
        while True:
            if encoder.counters is not None:
                encoder.counters.write_calls += 1
                encoder.counters.scatter_gather_write_count += parts > 1
            if parts == 1:
                # Most writes are one buffer of small frames, and send() needs no vector.
                count = send(self.fd, vector[0].iov_base, vector[0].iov_len,
                             MSG_DONTWAIT | MSG_NOSIGNAL)
            else:
                count = sendmsg(self.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)
            if count >= 0:
                if encoder.counters is not None and count < encoder.pending:
                    encoder.counters.partial_write_count += 1
                return count
            if failed() < 0:
                return -1

    cdef Py_ssize_t receive(self, memory) except -2:
        """Read once into a writable buffer. Return the same as :meth:`read_into`."""
        cdef Py_buffer room
        cdef Py_ssize_t count
        PyObject_GetBuffer(memory, &room, PyBUF_WRITABLE)
        try:
            while True:
                count = recv(self.fd, room.buf, room.len, MSG_DONTWAIT)
                if count >= 0 or failed() < 0:
                    return count
        finally:
            PyBuffer_Release(&room)

    cdef Py_ssize_t transmit(self, data, Py_ssize_t start) except -2:
        """Write a buffer once, from ``start`` on. Return the same as :meth:`write_from`."""
        cdef Py_buffer given
        cdef Py_ssize_t count
        PyObject_GetBuffer(data, &given, PyBUF_SIMPLE)
        try:
            if not 0 <= start <= given.len:
                raise ValueError("nothing is there")
            while True:
                count = send(self.fd, <char*>given.buf + start, given.len - start,
                             MSG_DONTWAIT | MSG_NOSIGNAL)
                if count >= 0 or failed() < 0:
                    return count
        finally:
            PyBuffer_Release(&given)

    cpdef bint has_ended(self) except -1:
        cdef pollfd asked
        cdef char octet
        if POLLRDHUP == 0:
            return recv(self.fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0
        asked.fd = self.fd
        asked.events = POLLRDHUP
        asked.revents = 0
        return poll(&asked, 1, 0) > 0

    cpdef close(self):
        # Clear it first, because the number may be reused at once. FreeBSD reports ECONNRESET for
        # a dead connection, but closes it.
        cdef int fd = self.fd
        self.fd = -1
        if fd >= 0 and close_fd(fd) != 0 and errno != EINTR and errno != ECONNRESET:
            PyErr_SetFromErrno(OSError)

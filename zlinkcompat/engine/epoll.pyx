"""epoll(7) without releasing the GIL, because no call here waits.

``select.epoll`` releases the GIL in each call, even with a timeout of zero. If other threads of the
program compute, each release may cost a whole switch interval.
"""

from cpython.exc cimport PyErr_SetFromErrno
from libc.errno cimport EINTR, errno
from posix.unistd cimport close as close_fd


cdef extern from *:
    """
    #ifdef __linux__
    #include <sys/epoll.h>
    #define ZLINK_HAS_EPOLL 1
    #else
    #include <errno.h>
    #include <stdint.h>
    #define ZLINK_HAS_EPOLL 0
    #define EPOLLIN 1
    #define EPOLLOUT 4
    #define EPOLL_CTL_ADD 1
    #define EPOLL_CTL_DEL 2
    #define EPOLL_CTL_MOD 3
    #define EPOLL_CLOEXEC 0
    struct epoll_event { uint32_t events; union { int fd; } data; };
    static int epoll_create1(int flags) { errno = ENOSYS; return -1; }
    static int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event) {
        errno = ENOSYS; return -1;
    }
    static int epoll_wait(int epfd, struct epoll_event *events, int size, int timeout) {
        errno = ENOSYS; return -1;
    }
    #endif
    """
    ctypedef union epoll_data:
        int fd
    struct epoll_event:
        unsigned int events
        epoll_data data

    int ZLINK_HAS_EPOLL
    int EPOLL_CTL_ADD
    int EPOLL_CTL_DEL
    int EPOLL_CTL_MOD
    int EPOLL_CLOEXEC
    int epoll_create1(int flags)
    int epoll_ctl(int epfd, int op, int fd, epoll_event* event)
    int epoll_wait(int epfd, epoll_event* events, int size, int timeout)


#: Whether the system has epoll.
AVAILABLE = ZLINK_HAS_EPOLL != 0


cdef class Epoll:
    """A set of file descriptors, watched level-triggered.

    Attributes
    ----------
    fd : int
        The descriptor of the set, readable while a member of the set is ready; -1 when closed.
    """

    def __cinit__(self):
        self.fd = epoll_create1(EPOLL_CLOEXEC)
        if self.fd < 0:
            PyErr_SetFromErrno(OSError)

    cpdef change(self, int fd, unsigned int before, unsigned int mask):
        """Watch ``fd`` for ``mask`` (EPOLLIN 1, EPOLLOUT 4, both; 0 stops), not for ``before``."""
        cdef epoll_event event
        cdef int operation
        if self.fd < 0 or before == mask:
            return
        event.events = mask
        event.data.fd = fd
        operation = EPOLL_CTL_MOD
        if before == 0:
            operation = EPOLL_CTL_ADD
        elif mask == 0:
            operation = EPOLL_CTL_DEL
        if epoll_ctl(self.fd, operation, fd, &event) < 0 and operation != EPOLL_CTL_DEL:
            PyErr_SetFromErrno(OSError)

    cpdef int wait(self) except -1:
        """Check which descriptors are ready; return their number. See :meth:`fd_at`."""
        cdef epoll_event found[READY_MAX]
        cdef int count, index
        self.count = 0
        if self.fd < 0:
            return 0
        count = epoll_wait(self.fd, found, READY_MAX, 0)
        if count < 0:
            if errno == EINTR:
                return 0
            PyErr_SetFromErrno(OSError)
        for index in range(count):
            self.ready[index].fd = found[index].data.fd
            self.ready[index].events = found[index].events
        self.count = count
        return count

    cpdef bint has_ready(self) except -1:
        """Tell whether a descriptor is ready. Any thread may call it."""
        cdef epoll_event event
        return self.fd >= 0 and epoll_wait(self.fd, &event, 1, 0) > 0

    cpdef int fd_at(self, int index) except -2:
        """Return the descriptor that the last :meth:`wait` found at ``index``."""
        return self.ready[index].fd if 0 <= index < self.count else -1

    cpdef unsigned int events_at(self, int index) except? 0:
        """Return the events that the last :meth:`wait` found at ``index``."""
        return self.ready[index].events if 0 <= index < self.count else 0

    cpdef close(self):
        """Close the set. Repeated calls have no effect."""
        cdef int fd = self.fd
        self.fd = -1
        self.count = 0
        if fd >= 0:
            close_fd(fd)

    def __dealloc__(self):
        if self.fd >= 0:
            close_fd(self.fd)

from zlinkcompat.engine.epoll cimport Epoll
from zlinkcompat._runtime.thread_ident cimport thread_ident

# Guarded by the GIL: each method that another thread may call makes one change. `connections` is
# read by the loop's thread and changed by I/O threads; `lock` keeps `closed` and `connections`
# consistent. The other fields belong to the loop's thread, but watchdogs read `served`, `flush_due`
# and `rest_due`.


cdef class LoopPoller:
    cdef readonly object loop
    cdef readonly unsigned long thread
    cdef object lock
    cdef readonly Epoll epoll
    cdef readonly dict connections
    cdef list batching, later
    cdef public list due
    cdef readonly bint flush_due, rest_due, serving, closed
    cdef readonly long long served
    # Any thread: each change is one step.
    cdef public bint is_suspected
    cdef object __weakref__

    cpdef bint is_current(self)
    cpdef on_ready(self)
    cdef run_due(self)
    cpdef bint flush_later(self, connection) except -1
    cpdef flush_postponed(self)
    cpdef bint serve_later(self, connection) except -1
    cpdef serve_postponed(self)
    cpdef watch(self, int fd, unsigned int before, unsigned int mask)
    cpdef bint add(self, connection, int fd) except -1
    cpdef remove(self, int fd)
    cpdef bint serves(self) except -1
    cpdef bint is_behind(self) except -1

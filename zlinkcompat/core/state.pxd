from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat._runtime.thread_ident cimport thread_ident
from zlinkcompat.core.thread_check cimport ThreadCheck
from zlinkcompat.engine.loop cimport IOLoop
from zlinkcompat.engine.waker cimport SleeperMailbox, WaitList, Waker, current_waker, insert_by_age
from zlinkcompat.routing.pattern cimport Owner, Pattern

cimport cython


cpdef double seconds_left(long long timeout_ms, long long began) except *


cdef class SocketState(Owner):
    # -- Set when the socket is made, and read by any thread. ------------------------------
    cdef readonly object context
    cdef readonly int socket_type
    cdef readonly object address
    cdef readonly object options
    cdef readonly object counters
    cdef readonly Pattern pattern
    cdef readonly object io_threads
    cdef readonly ThreadCheck thread_check
    cdef readonly object peers

    # -- Set once, by the thread that uses the socket, at its first bind or connect. Other
    #    threads read them to find the thread that they have to ask. -----------------------
    cdef readonly IOLoop loop
    cdef readonly object owner_loop

    # -- Any thread posts to the mailbox, which has its own guard. Only the thread that uses
    #    the socket processes it, and after close() the thread that posts. -----------------
    cdef readonly SleeperMailbox mailbox

    # -- Written by the thread that uses the socket, or by a thread that closes or terminates
    #    it. Other threads read them under the GIL: they see the old value or the new one. --
    cdef readonly bint closed
    cdef readonly int dead
    cdef object notifier

    # -- Only the thread that uses the socket. ---------------------------------------------
    cdef unsigned long operations
    # A watchdog may clear it under the GIL, and the next operation sets it again.
    cdef public object loop_poller
    cdef object __weakref__

    cdef process_commands(self)
    cdef raise_end(self)
    cdef check_open(self)
    cdef bint is_foreign(self) except -1
    cpdef serve_in(self, poller)
    cpdef serve_in_io_threads(self)
    cpdef enter_wait(self)
    cdef delegate(self, function, args)
    cpdef process_mailbox(self)
    cpdef bint recheck(self) except *
    @cython.locals(loop=IOLoop)
    cdef maybe_yield(self)
    @cython.locals(mailbox=SleeperMailbox, waker=Waker, timeout=double)
    cdef wait(self, WaitList sleepers, long long timeout_ms, long long began, refusal)

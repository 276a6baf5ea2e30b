from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat.engine.contention cimport CpuContention
from zlinkcompat.engine.loop cimport Backoff, IOLoop
from zlinkcompat.engine.wait cimport SleeperMailbox, WaitList, Waker, insert_by_age, current_waker
from zlinkcompat.routing.pattern cimport Owner, Pattern
from zlinkcompat.routing.pipe cimport Pipe, pipe_pair

from zlinkcompat._runtime.thread_ident cimport thread_ident

cimport cython


cdef int NOBLOCK
cdef int SNDMORE
cdef int POLLIN
cdef int POLLOUT
cdef int PUB
cdef int SUB
cdef int REQ
cdef int REP
cdef int XPUB
cdef int XSUB
cdef int LAST_READS
cdef long long SUBSCRIPTION_WAIT_NS


cdef long long SUBSCRIPTIONS_INTERVAL
cdef int READ_ROUNDS
cdef CpuContention contention


cdef class CoreSocket(Owner):
    cdef readonly object context
    cdef readonly int socket_type
    cdef readonly bint closed
    cdef readonly int dead
    cdef bint publishes, lockstep
    cdef readonly bint more
    cdef list parts_in
    cdef Py_ssize_t next_part
    cdef list parts_out
    # The timeouts in milliseconds, the spin time in nanoseconds; see read_options.
    cdef int sndtimeo, rcvtimeo
    cdef long long spin_time, poll_missed_at
    cdef bint adaptive_poll
    cdef unsigned long operations
    cdef long long subscriptions_read_at
    cdef bint is_read_scheduled
    cdef long long next_subscription_wait
    cdef Backoff read_backoff, busy_poll_backoff
    cdef readonly bint is_busy_polling
    cdef unsigned long waiting_thread
    cdef int waiting_calls
    cdef bint misuse_reported
    cdef object parts_from
    cdef bint mixing_reported
    cdef readonly list paused_connections
    cdef public object loop_poller
    cdef readonly IOLoop engine
    cdef readonly object io_threads, owner_loop
    cdef readonly SleeperMailbox mailbox
    cdef WaitList receivers, senders
    cdef list pollers
    cdef object notifier
    cdef object monitoring
    cdef public bytes last_endpoint
    cdef readonly object endpoints
    cdef readonly set sessions, listeners
    cdef readonly object options
    cdef readonly object counters
    cdef readonly Pattern pattern
    cdef readonly object address
    cdef readonly object made_at
    cdef public object label
    cdef object __weakref__

    cdef read_options(self)
    @cython.final
    cdef long long poll_limit(self, long long now) except -1
    cdef process_commands(self)
    cdef process_commands_to_receive(self)
    cdef raise_end(self)
    cdef check_open(self)
    @cython.final
    cdef bint is_foreign(self) except -1
    cpdef enter_wait(self)
    cpdef serve_in(self, poller)
    cpdef serve_in_io_threads(self)
    cpdef leave_wait(self)
    @cython.locals(thread=cython.ulong)
    cdef report_misuse(self)
    cdef report_mixing(self)
    cdef delegate(self, function, args)
    cpdef process_mailbox(self)
    cpdef bint recheck(self) except *
    @cython.locals(engine=IOLoop)
    cdef maybe_yield(self)
    cpdef send_frame(self, frame, int flags)
    @cython.locals(frames=list)
    cpdef send_message(self, list frames, int flags)
    @cython.locals(parts=list)
    cdef send_part(self, frame, int flags)
    @cython.locals(now=cython.longlong)
    cdef read_pending_subscriptions(self)
    @cython.locals(began=cython.longlong, spent=cython.longlong)
    cdef await_late_subscriptions(self)
    cdef require_complete_message(self)
    @cython.locals(timeout_ms=cython.longlong, began=cython.longlong)
    cdef send_blocking(self, message, int flags)
    @cython.locals(timeout_ms=cython.longlong, began=cython.longlong)
    cdef wait_to_send(self, int flags, frame)
    cdef wait_writable(self, long long timeout_ms, long long began)
    @cython.locals(mailbox=SleeperMailbox, waker=Waker)
    cdef wait(self, WaitList sleepers, double timeout, long long began)
    cpdef recv_frame(self, int flags)
    @cython.locals(parts=list)
    cpdef list recv_message(self, int flags)
    cpdef try_recv_frame(self)
    @cython.locals(message=object)
    cpdef list try_recv_message(self)
    cdef try_recv(self)
    cdef recv_part(self)
    @cython.locals(engine=IOLoop, timeout_ms=cython.longlong, began=cython.longlong,
                   deadline=cython.longlong, timeout=double, spin_time=cython.longlong,
                   now=cython.longlong)
    cdef recv_blocking(self, int flags)
    @cython.locals(produced=int)
    cdef read_now(self)
    cpdef schedule_read(self)
    cpdef resume_reading(self)
    cdef read_now_if_useful(self, bint needed)
    @cython.locals(spin_time=cython.longlong)
    cdef read_bypassing_io_threads(self, bint needed, long long began, long long spin_time)
    cdef resume_io_threads(self)
    @cython.locals(produced=int, now=cython.longlong)
    cdef busy_poll(self, long long began, long long spin_time, Backoff worth)
    cdef notify_pollers(self)
    @cython.locals(events=int)
    cpdef int events(self, int wanted=*) except -1
    @cython.locals(produced=int)
    cdef bint can_receive(self) except -1
    cpdef add_poller(self, waker)
    cpdef remove_poller(self, waker)

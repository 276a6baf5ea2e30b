cdef class Drops:
    cdef public long long hwm, unroutable, linger, conflate, filter, protocol, too_large
    cdef public long long disconnect, unread

    cpdef add(self, str reason, long long count)


cdef class CountedEnd


# Any thread may add; the GIL makes each addition one step. In the pure build a lock does.
cdef class Totals:
    cdef readonly Drops drops
    cdef public long long messages_in, messages_out, bytes_in, bytes_out
    cdef public long long reconnects, heartbeats_lost
    cdef readonly dict handshakes_failed
    cdef public bint has_sessions
    cdef readonly long long begun, finished
    cdef object lock

    cpdef count_dropped(self, str reason, long long count=*)
    cpdef count_failed_handshake(self, str reason)
    cpdef count_reconnect(self)
    cpdef count_lost_heartbeat(self)
    cpdef bint begin_retiring(self, CountedEnd end) except -1
    cdef bint mark_retired(self, CountedEnd end) except -1
    cpdef begin_change(self)
    cpdef end_change(self, dict sums)
    cpdef add_totals(self, Totals other)
    cdef add(self, dict sums)


# Base of a pipe's end. Only the owner of the end writes its fields.
cdef class CountedEnd:
    cdef readonly Drops drops
    cdef public Totals totals
    cdef public bint is_session_end
    cdef public bint retired, is_watched
    cdef public long long drops_seen
    cdef public long long arrived_before, taken_before, commands_in, commands_out
    cdef public long long commands_cleared, commands_lost

    cpdef count_dropped(self, str reason, long long count=*)

cdef class Tuning:
    cdef readonly bint zerocopy_write, lazy_compact, write_batching, handshake_zerocopy
    cdef readonly Py_ssize_t zerocopy_threshold, compact_consumed, compact_room
    cdef readonly Py_ssize_t in_batch_size, out_batch_size, batch_messages
    cdef readonly long long batch_time, spin_time
    cdef readonly bint tcp_nodelay, adaptive_poll
    cdef readonly int socket_buffers, asyncio_burst, recv_pyobj

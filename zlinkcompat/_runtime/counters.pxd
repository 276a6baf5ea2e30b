cdef class Counters:
    cdef public long long zerocopy_write_count, fallback_write_count, scatter_gather_write_count
    cdef public long long partial_write_count, bytes_copied
    cdef public long long compaction_count, compaction_bytes, compaction_skipped_count
    cdef public long long batch_flush_count, batch_timeout_flush_count, batch_size_flush_count
    cdef public long long batched_messages
    cdef public long long read_calls, write_calls, messages_in, messages_out, xpub_dropped_messages
    cdef object __weakref__

cpdef unsigned long thread_ident() noexcept

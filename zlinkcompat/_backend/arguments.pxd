cdef long long INT_MIN, INT_MAX

# Compiled so that no other thread runs while the frames of one are read (see stack_of).


cpdef list stack_of(thread)
cdef list stack_from(frame)

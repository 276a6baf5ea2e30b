# Compiled so that no other thread runs while the frames of one are read (see stack_of).


cpdef list stack_of(thread)
cpdef list stack_from(frame)

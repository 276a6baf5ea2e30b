cpdef bint is_interrupt(error) except -1
cpdef raise_in_main_greenlet(hub)
cpdef call_guarded(hub, function, tuple args=*)
cpdef resume_guarded(hub, function)

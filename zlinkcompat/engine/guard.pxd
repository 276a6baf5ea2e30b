cpdef bint is_interrupt(error) except -1
cpdef pass_on(hub)
cpdef call(hub, function, tuple args=*)
cpdef resume(hub, function)

cpdef bint is_interrupt(error) except -1
cpdef raise_in_main_greenlet(hub)
cpdef call_guarded(hub, function, tuple args=*)
cpdef log_defect(hub, error)
cpdef resume_guarded(hub, function)
cpdef protect_hub(hub)
cpdef run_hub(hub)
cpdef check_hub(hub)

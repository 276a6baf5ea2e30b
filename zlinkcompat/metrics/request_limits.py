"""The limits of the servers of the metrics page, in a hub and in threads."""

#: The most requests at a time; others wait in the kernel's backlog.
REQUESTS_MAX = 8

#: Seconds for which a client may be silent.
PATIENCE = 10

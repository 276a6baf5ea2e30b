"""What the package uses of the running process: clock, threads, gevent, logging, counters."""

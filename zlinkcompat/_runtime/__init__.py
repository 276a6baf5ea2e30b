"""What the package takes from the running process: clock, threads, gevent, logging, counters."""

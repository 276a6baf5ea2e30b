"""zlinkcompat and real libzmq at the two ends of one connection, each in its own process."""

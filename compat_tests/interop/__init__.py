"""Connect zlinkcompat and real libzmq, each in a process of its own."""

"""The parts that attach this package to the installed pyzmq."""

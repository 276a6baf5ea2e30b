"""pyzmq's own test suite, from its sdist, run on our backend."""

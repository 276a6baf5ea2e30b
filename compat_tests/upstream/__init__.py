"""Run pyzmq's own test suite, from its sdist, on our package."""

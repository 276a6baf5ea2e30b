"""Compare our package with real libzmq and pyzmq, as a reference, in several kinds of tests."""

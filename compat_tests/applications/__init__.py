"""Test suites of applications that use pyzmq, run on libzmq and on both our engines."""

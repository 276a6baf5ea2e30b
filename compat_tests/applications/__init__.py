"""Run the test suites of applications that use pyzmq, on libzmq and on both our engines."""

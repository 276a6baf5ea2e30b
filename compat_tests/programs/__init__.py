"""Whole programs: other people's, unmodified, from pyzmq's sdist, and ours in examples/patterns."""

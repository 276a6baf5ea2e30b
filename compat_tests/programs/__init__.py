"""Whole programs: those of pyzmq's sdist, unmodified, and ours in examples/patterns."""

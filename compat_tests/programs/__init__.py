"""Run whole programs: the unmodified programs of pyzmq's sdist, and ours in examples/patterns."""

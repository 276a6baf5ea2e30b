"""Programs by other people, unmodified, from pyzmq's sdist."""

"""How this package attaches to the pyzmq that is installed."""

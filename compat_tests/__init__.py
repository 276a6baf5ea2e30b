"""Real libzmq and pyzmq as the oracle: interop, differential, upstream suite and programs."""

"""zlinkcompat against real libzmq and others, side by side: ``python -m bench --help``."""

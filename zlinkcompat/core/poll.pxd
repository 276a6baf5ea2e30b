# Compiled so that no signal handler runs between two steps (see interrupts.py).

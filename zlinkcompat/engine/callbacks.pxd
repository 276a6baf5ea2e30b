# Compiled so that no signal's handler runs between its steps (interrupts.py).

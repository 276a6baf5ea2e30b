# Compiled so that no signal handler runs between two steps (see interrupts.py): a descriptor must
# not have two owners.

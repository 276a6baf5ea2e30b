# Compiled so that no signal's handler runs between its steps (guard.py): a descriptor must not have
# two owners.

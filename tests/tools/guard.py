"""How long a test waits for an event that has to happen."""

#: In seconds. Only a failing test waits this long, so it exceeds what a busy machine ever needs.
GUARD = 30

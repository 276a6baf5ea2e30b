"""How long a test waits for what has to happen."""

#: Seconds. Only a failing test waits this long, so it is more than a busy machine ever needs.
GUARD = 30

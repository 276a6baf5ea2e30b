"""How long a test waits for what has to happen."""

#: Seconds. Only a test that fails waits so long, so it is more than a busy machine ever needs.
GUARD = 30

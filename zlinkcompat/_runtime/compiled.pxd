# This file makes the build compile the module beside it.

# Compiled for what it does not do: run a signal's handler between accept(2) and the object that
# closes the descriptor.

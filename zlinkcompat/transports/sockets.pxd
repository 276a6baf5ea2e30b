# Compiled so that no signal handler runs between accept(2) and the creation of the object that
# closes the descriptor.

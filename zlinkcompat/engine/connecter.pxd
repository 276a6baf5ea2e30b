# Compiled so that no signal handler runs between two steps (see interrupts.py). If a handler raised
# there, a watcher could stay active after its descriptor is closed, and libev would abort.

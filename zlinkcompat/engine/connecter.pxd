# Compiled so that no signal's handler runs between its steps (interrupts.py): a watcher that stays
# active while its descriptor is closed makes libev end the process.

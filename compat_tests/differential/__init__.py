"""Run scenarios on libzmq and on zlinkcompat; the results or errors must be the same."""

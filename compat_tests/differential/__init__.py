"""The same scenario on libzmq and on zlinkcompat: the same result, or the same error."""

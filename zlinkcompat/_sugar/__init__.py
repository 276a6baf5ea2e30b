"""The pyzmq-shaped classes and names of ``import zlinkcompat as zmq``."""

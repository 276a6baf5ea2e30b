"""A program that is not monkey-patched: prints the modules that its library has loaded.

``python loaded.py LIBRARY import`` imports LIBRARY and uses inproc sockets; ``... bind`` binds a
tcp endpoint as well, ``... bind_curve`` one with CURVE, and ``... bind_ws`` one of WebSocket.
"""

import importlib
import sys

before = set(sys.modules)
zmq = importlib.import_module(sys.argv[1])
context = zmq.Context()
with context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as other:
    one.bind("inproc://loaded")
    other.connect("inproc://loaded")
    one.send(b"message")
    other.recv()
if sys.argv[2] != "import":
    with context.socket(zmq.PULL) as bound:
        if sys.argv[2] == "bind_curve":
            bound.curve_secretkey = zmq.curve_keypair()[1]
            bound.curve_server = True
        bound.bind(f"{'ws' if sys.argv[2] == 'bind_ws' else 'tcp'}://127.0.0.1:*")
context.term()
print(*sorted(set(sys.modules) - before))

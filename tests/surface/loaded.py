"""Print the modules that a library loads, in a program that is not monkey-patched.

``python loaded.py LIBRARY import`` imports LIBRARY and uses inproc sockets. With ``bind`` as the
last argument it also binds a tcp endpoint, with ``bind_curve`` a tcp endpoint that uses CURVE, and
with ``bind_ws`` a ws endpoint.
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

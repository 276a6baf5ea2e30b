from zmq.auth.ioloop import *

from zmq.sugar import *

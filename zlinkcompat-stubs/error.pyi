from zmq.error import *

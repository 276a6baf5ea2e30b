from zmq import *

from zmq.constants import *

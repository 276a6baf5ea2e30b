from zmq.utils.strtypes import *

from zmq.green.device import *

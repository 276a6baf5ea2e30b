from zmq.log import *

from zmq.log.handlers import *

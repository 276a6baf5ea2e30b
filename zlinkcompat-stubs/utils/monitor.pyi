from zmq.utils.monitor import *

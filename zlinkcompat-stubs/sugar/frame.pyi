from zmq.sugar.frame import *

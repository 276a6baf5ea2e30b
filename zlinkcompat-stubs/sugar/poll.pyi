from zmq.sugar.poll import *

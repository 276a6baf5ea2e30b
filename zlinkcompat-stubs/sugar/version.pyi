from zmq.sugar.version import *

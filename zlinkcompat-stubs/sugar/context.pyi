from zmq.sugar.context import *

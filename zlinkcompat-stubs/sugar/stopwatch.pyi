from zmq.sugar.stopwatch import *

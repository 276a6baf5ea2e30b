from zmq.sugar.tracker import *

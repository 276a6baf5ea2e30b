from zmq.sugar.socket import *

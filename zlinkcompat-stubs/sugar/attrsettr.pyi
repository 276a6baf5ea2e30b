from zmq.sugar.attrsettr import *

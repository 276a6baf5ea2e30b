from zmq.sugar.attrsettr import *
from zmq.sugar.attrsettr import T as T

from zmq.utils import *

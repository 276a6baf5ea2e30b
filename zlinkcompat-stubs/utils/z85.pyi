from zmq.utils.z85 import *

from zmq.utils.garbage import *

from zmq.utils.win32 import *

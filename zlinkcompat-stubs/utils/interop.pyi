from zmq.utils.interop import *

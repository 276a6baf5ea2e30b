from zmq.decorators import *

from zmq.auth import *

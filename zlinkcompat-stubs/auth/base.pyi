from zmq.auth.base import *

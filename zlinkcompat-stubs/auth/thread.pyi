from zmq.auth.thread import *

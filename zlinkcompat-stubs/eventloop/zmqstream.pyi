from zmq.eventloop.zmqstream import *

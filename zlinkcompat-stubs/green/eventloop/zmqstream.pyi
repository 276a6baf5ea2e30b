from zmq.green.eventloop.zmqstream import *

from zmq.green.eventloop.ioloop import *

from zmq.eventloop.ioloop import *

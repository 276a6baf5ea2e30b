from zmq.eventloop import *

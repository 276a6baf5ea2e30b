from zmq.green.eventloop import *

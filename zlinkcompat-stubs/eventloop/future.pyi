from zmq.eventloop.future import *

from zmq.devices import *

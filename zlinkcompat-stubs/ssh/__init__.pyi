from zmq.ssh import *

from zmq.auth.certs import *

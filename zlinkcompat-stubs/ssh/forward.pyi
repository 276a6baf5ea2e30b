from zmq.ssh.forward import *

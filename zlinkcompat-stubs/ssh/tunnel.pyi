from zmq.ssh.tunnel import *

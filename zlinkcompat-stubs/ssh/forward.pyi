from zmq.ssh.forward import *
from zmq.ssh.forward import ForwardServer as ForwardServer
from zmq.ssh.forward import Handler as Handler

from zmq.ssh.tunnel import *
from zmq.ssh.tunnel import MaxRetryExceeded as MaxRetryExceeded
from zmq.ssh.tunnel import SSHException as SSHException
from zmq.ssh.tunnel import open_tunnel as open_tunnel
from zmq.ssh.tunnel import select_random_ports as select_random_ports

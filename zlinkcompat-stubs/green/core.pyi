from zmq.green.core import *
from zmq.green.core import _Context as _Context
from zmq.green.core import _Socket as _Socket

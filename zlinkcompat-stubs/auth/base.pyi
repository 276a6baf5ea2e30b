from zmq.auth.base import *
from zmq.auth.base import VERSION as VERSION

from zmq.sugar.socket import *
from zmq.sugar.socket import DEFAULT_PROTOCOL as DEFAULT_PROTOCOL

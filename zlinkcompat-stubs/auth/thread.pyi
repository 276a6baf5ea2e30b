from zmq.auth.thread import *
from zmq.auth.thread import AuthenticationThread as AuthenticationThread

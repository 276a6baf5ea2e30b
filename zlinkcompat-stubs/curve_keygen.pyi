from zmq.curve_keygen import *

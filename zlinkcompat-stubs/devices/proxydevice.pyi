from zmq.devices.proxydevice import *

from zmq.devices.basedevice import *

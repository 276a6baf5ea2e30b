from zmq.devices.proxysteerabledevice import *

from zmq.devices.basedevice import *
from zmq.devices.basedevice import BackgroundDevice as BackgroundDevice

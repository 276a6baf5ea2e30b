from zmq.devices.proxysteerabledevice import *
from zmq.devices.proxysteerabledevice import ProxySteerableBase as ProxySteerableBase

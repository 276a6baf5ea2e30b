from zmq.devices.proxydevice import *
from zmq.devices.proxydevice import ProxyBase as ProxyBase

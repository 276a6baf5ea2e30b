from zmq.devices import *
from zmq.devices import Device as Device
from zmq.devices import MonitoredQueue as MonitoredQueue
from zmq.devices import ProcessDevice as ProcessDevice
from zmq.devices import ProcessMonitoredQueue as ProcessMonitoredQueue
from zmq.devices import ProcessProxy as ProcessProxy
from zmq.devices import ProcessProxySteerable as ProcessProxySteerable
from zmq.devices import Proxy as Proxy
from zmq.devices import ProxySteerable as ProxySteerable
from zmq.devices import ThreadDevice as ThreadDevice
from zmq.devices import ThreadMonitoredQueue as ThreadMonitoredQueue
from zmq.devices import ThreadProxy as ThreadProxy
from zmq.devices import ThreadProxySteerable as ThreadProxySteerable
from zmq.devices import monitored_queue as monitored_queue

from zmq.devices.monitoredqueuedevice import *
from zmq.devices.monitoredqueuedevice import MonitoredQueueBase as MonitoredQueueBase

from zmq.devices.monitoredqueuedevice import *

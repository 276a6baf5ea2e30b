from zmq.devices.monitoredqueue import *

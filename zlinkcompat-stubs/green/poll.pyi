from zmq.green.poll import _Poller as _Poller

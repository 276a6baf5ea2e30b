"""pyzmq's ``zmq.green.poll``. Where a thread has a hub, any Poller waits in it."""

from zlinkcompat._sugar.poll import Poller

_Poller = Poller

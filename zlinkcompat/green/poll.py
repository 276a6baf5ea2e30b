"""Counterpart of ``zmq.green.poll``: in a thread with a hub, any Poller waits in that hub."""

from zlinkcompat._sugar.poll import Poller

_Poller = Poller

from zmq.utils.jsonapi import *

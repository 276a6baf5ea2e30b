from zmq.asyncio import *

from zmq.auth.asyncio import *

from zmq.asyncio import *
from zmq.asyncio import ProactorSelectorThreadWarning as ProactorSelectorThreadWarning

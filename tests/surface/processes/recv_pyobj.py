"""Receive one pickle on a tcp bind: ``recv_pyobj.py (blocking|asyncio) MODULE``."""

import asyncio
import sys
import warnings
from importlib import import_module

PUSH, PULL = 8, 7


def blocking(zmq):
    with (
        zmq.Context() as context,
        context.socket(PULL) as pull,
        context.socket(PUSH) as push,
    ):
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.last_endpoint.decode())
        for number in range(2):
            push.send_pyobj({"number": number})
            print(pull.recv_pyobj())


async def coroutine(zmq):
    with (
        zmq.Context() as context,
        context.socket(PULL) as pull,
        context.socket(PUSH) as push,
    ):
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.last_endpoint.decode())
        for number in range(2):
            await push.send_pyobj({"number": number})
            print(await pull.recv_pyobj())


kind, module = sys.argv[1:]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    if kind == "asyncio":
        asyncio.run(coroutine(import_module(module)))
    else:
        blocking(import_module(module))
for each in caught:
    if "recv_pyobj" in str(each.message):
        print(each.category.__name__, each.filename == __file__)

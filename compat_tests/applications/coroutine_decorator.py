"""pytest plugin: ``asyncio.coroutine``, which Python 3.11 has no more and aiozmq's tests use."""

import asyncio
import types

if not hasattr(asyncio, "coroutine"):
    asyncio.coroutine = types.coroutine

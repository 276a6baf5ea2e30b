"""pytest plugin: restore ``asyncio.coroutine`` for aiozmq's tests. Python 3.11 removed it."""

import asyncio
import types

if not hasattr(asyncio, "coroutine"):
    asyncio.coroutine = types.coroutine

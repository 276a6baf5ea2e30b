"""pytest plugin that restores ``asyncio.coroutine``, which Python 3.11 removed, for aiozmq."""

import asyncio
import types

if not hasattr(asyncio, "coroutine"):
    asyncio.coroutine = types.coroutine

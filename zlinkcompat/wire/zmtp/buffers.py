"""Pure-Python fallback of ``buffers.pyx``, with the same interface except for the pool."""

from zlinkcompat import tuning

MORE = 1
LONG = 2
COMMAND = 4
HEADER_MAX = 10

BUFFER_SIZE = max(16384, tuning.get("read_buffer"))
INLINE_MAX = BUFFER_SIZE // 4

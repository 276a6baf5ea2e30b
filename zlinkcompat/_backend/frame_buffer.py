"""The buffer protocol of Frame in the pure build, for Python 3.12 and later (PEP 688)."""

from __future__ import annotations

from typing import Any


class Exporter:
    """Exports the buffer of its content, which is bytes or a holder with a ``buffer``."""

    __slots__ = ("content",)

    def __buffer__(self, flags: int) -> memoryview:
        return self.look()

    def look(self) -> Any:
        """Return a new memoryview of the content."""
        if type(self.content) is bytes:
            self.content = self.hold(bytearray(self.content))
        # Make a new memoryview. If the caller releases it, the content's own one must stay valid.
        return memoryview(self.content.buffer)

"""The buffer protocol for Frame in the pure build, from Python 3.12 on (PEP 688)."""


class Exporter:
    """Whose buffer is its content's: bytes, or a holder with a ``buffer``."""

    __slots__ = ("content",)

    def __buffer__(self, flags):
        return self.look()

    def look(self):
        """A new memoryview of the content."""
        if type(self.content) is bytes:
            self.content = self.hold(bytearray(self.content))
        # Another than the holder's, which lives on when this one is released.
        return memoryview(self.content.buffer)

"""The buffer protocol of Frame in the pure build, for Python 3.12 and later (PEP 688)."""


class Exporter:
    """Exports the buffer of its content, which is bytes or a holder with a ``buffer``."""

    __slots__ = ("content",)

    def __buffer__(self, flags):
        return self.look()

    def look(self):
        """Return a new memoryview of the content."""
        if type(self.content) is bytes:
            self.content = self.hold(bytearray(self.content))
        # Not the holder's own memoryview, which must survive the release of this one.
        return memoryview(self.content.buffer)

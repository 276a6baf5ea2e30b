"""The buffer protocol for Frame in the pure build, from Python 3.12 on (PEP 688)."""


class Exporter:
    """Whose buffer is its content's: bytes, or a holder with a ``buffer``."""

    __slots__ = ("content",)

    def __buffer__(self, flags):
        content = self.content
        return memoryview(content if type(content) is bytes else content.buffer)

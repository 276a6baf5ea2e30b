"""A compact form of the metadata of a peer that sends very many properties."""

from __future__ import annotations

from zlinkcompat.wire.zmtp.commands import encode_metadata, parse_metadata_untrusted

#: Up to this many properties are kept as a dict of str. A READY command of 64 KiB can contain
#: thousands of properties, and a dict of them takes about ten times the memory of the command.
DICT_MAX = 64


class PackedMetadata:
    """Metadata for ``Frame.get``, kept in its encoded form.

    Parameters
    ----------
    own : dict
        Maps str to str: the properties that this side adds. They take precedence.
    properties : dict
        Maps bytes to bytes: the properties of the peer's READY.
    """

    __slots__ = ("own", "data")

    def __init__(self, own: dict[str, str], properties: dict[bytes, bytes]) -> None:
        self.own = own
        self.data = encode_metadata(properties)

    def get(self, name: str) -> str | None:
        """Return the property ``name`` (str), or None. The search is linear."""
        value = self.own.get(name)
        if value is not None:
            return value
        for key, found in parse_metadata_untrusted(self.data, 0).items():
            if key.decode("latin-1", "replace") == name:
                return found.decode("utf-8", "replace")
        return None

"""The properties of a peer that tells very many of itself, in little memory."""

from zlinkcompat.wire.zmtp.commands import encode_metadata, parse_metadata_untrusted

#: Properties that are kept as a dict of str. A READY of 64 KiB can have 4,600, and a dict of them
#: takes 772 KiB.
DICT_MAX = 64


class PackedMetadata:
    """What ``Frame.get`` asks for, kept in the form of the wire.

    Parameters
    ----------
    own : dict
        str to str: what is known of the peer otherwise, and counts first.
    properties : dict
        bytes to bytes, of the peer's READY.
    """

    __slots__ = ("own", "data")

    def __init__(self, own, properties):
        self.own = own
        self.data = encode_metadata(properties)

    def get(self, name):
        """The property ``name`` (str), or None; all of them are looked through."""
        value = self.own.get(name)
        if value is not None:
            return value
        for key, found in parse_metadata_untrusted(self.data, 0).items():
            if key.decode("latin-1", "replace") == name:
                return found.decode("utf-8", "replace")
        return None

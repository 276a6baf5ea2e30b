"""Hand-written peers that speak ZMTP 2.0 or 1.0 (RFC 15, 13), without code of the package."""

import struct

from rawpeer import SIGNATURE, frame, message


def frame_1(body, flags=0):
    size = len(body) + 1
    if size < 255:
        return bytes([size, flags]) + body
    return b"\xff" + struct.pack(">QB", size, flags) + body


def message_1(*frames):
    return b"".join(frame_1(body, 1) for body in frames[:-1]) + frame_1(frames[-1])


class Unversioned:
    """A peer like libzmq 2: it sends no signature, and its first message is its routing id."""

    frame = staticmethod(frame_1)
    message = staticmethod(message_1)

    @staticmethod
    def opening(routing_id, socket_type):
        return frame_1(routing_id)

    @staticmethod
    def reply(routing_id, socket_type):
        """Return what the other side sends in answer to the opening."""
        return header(routing_id) + routing_id


class UnversionedLong(Unversioned):
    """A peer that sends its routing id as a long frame, which begins like a signature."""

    @staticmethod
    def opening(routing_id, socket_type):
        return b"\xff" + struct.pack(">QB", len(routing_id) + 1, 0) + routing_id


class Version1(Unversioned):
    """A peer of ZMTP 1 that sends a signature and revision 0."""

    @staticmethod
    def opening(routing_id, socket_type):
        return SIGNATURE + bytes([0, socket_type]) + frame_1(routing_id)

    @staticmethod
    def reply(routing_id, socket_type):
        return header(routing_id) + bytes([3, socket_type]) + frame_1(routing_id)


class Version2:
    """A peer of ZMTP 2, which sends revision 1."""

    frame = staticmethod(frame)
    message = staticmethod(message)

    @staticmethod
    def opening(routing_id, socket_type):
        return SIGNATURE + bytes([1, socket_type]) + frame(routing_id)

    @staticmethod
    def reply(routing_id, socket_type):
        return header(routing_id) + bytes([3, socket_type]) + frame(routing_id)


def header(routing_id):
    """Return the signature, which contains the size of the routing id."""
    return b"\xff" + struct.pack(">Q", len(routing_id) + 1) + b"\x7f"


VERSIONS = {
    "unversioned": Unversioned,
    "unversioned-long": UnversionedLong,
    "1.0": Version1,
    "2.0": Version2,
}

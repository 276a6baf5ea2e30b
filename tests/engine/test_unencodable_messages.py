"""A queued message that cannot be encoded is dropped, and no other message is lost."""

import pytest
from guard import GUARD

import zlinkcompat as zmq
from zlinkcompat.engine import protocols
from zlinkcompat.wire.zmtp.encoder import Encoder

BAD = b"cannot be encoded"


class Failing(Encoder):
    """An encoder that raises at one message, as if the memory of its frame were not readable."""

    def add(self, message):
        # In a multipart message, encode the good parts before the bad one.
        if type(message) is list and BAD in message:
            Encoder.add(self, message[: message.index(BAD)])
            raise ValueError("the frame cannot be encoded")
        if message == BAD:
            raise ValueError("the frame cannot be encoded")
        return Encoder.add(self, message)


@pytest.mark.both_engines
@pytest.mark.parametrize("limit", [0, 1 << 20], ids=["any", "SNDBYTES_MAX"])
@pytest.mark.parametrize(
    "bad", [BAD, [b"part", BAD], [bytes(20_000), BAD]], ids=["one", "parts", "large-part"]
)
@pytest.mark.parametrize("before", [0, 1, 3])
def test_only_the_unencodable_message_is_dropped(
    bound, make, unexpected, monkeypatch, before, bad, limit
):
    """An unencodable message ends one connection, and no part of the message is written.

    The message is then dropped, so the next connection sends the remaining messages.
    """
    pull = bound(zmq.PULL)
    push = make(zmq.PUSH, reconnect_ivl=1, sndbytes_max=limit)
    pull.rcvtimeo = int(GUARD * 1000)
    monkeypatch.setattr(protocols, "Encoder", Failing)
    push.connect(pull.last_endpoint)
    expected = [[b"%d" % number, bytes(number)] for number in range(before + 3)]
    for message in expected[:before]:
        push.send_multipart(message)
    push.send_multipart(bad if type(bad) is list else [bad])
    for message in expected[before:]:
        push.send_multipart(message)
    assert [pull.recv_multipart() for _ in expected] == expected
    assert not pull.poll(20)
    assert unexpected.errors.pop().args == ("the frame cannot be encoded",)

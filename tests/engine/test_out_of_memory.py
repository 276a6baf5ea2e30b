"""A write that fails for lack of memory ends the connection, and no message is lost."""

import pytest
from watching import E

import zlinkcompat as zmq
from zlinkcompat.engine import protocols
from zlinkcompat.wire.zmtp.encoder import Encoder


@pytest.mark.parametrize("where", ["handshake", "first of a burst", "batch"])
def test_memory_error_ends_the_connection_but_loses_no_message(
    where, bound, make, monitor, monkeypatch
):
    failed = []

    class Short(Encoder):
        def add(self, message):
            if message == where.encode():
                self.fail_once()
            return Encoder.add(self, message)

        def add_control(self, data):
            if where == "handshake":
                self.fail_once()
            return Encoder.add_control(self, data)

        def fail_once(self):
            if not failed:
                failed.append(where)
                raise MemoryError

    pull = bound(zmq.PULL)
    push = make(zmq.PUSH, reconnect_ivl=1)
    events = monitor(push, E.HANDSHAKE_SUCCEEDED)
    monkeypatch.setattr(protocols, "Encoder", Short)
    push.connect(pull.last_endpoint)
    events.next()
    sent = [b"first of a burst", b"then", b"batch", b"last"]
    for message in sent:
        push.send(message)
    assert [pull.recv() for _ in sent] == sent
    assert failed and not pull.poll(20)

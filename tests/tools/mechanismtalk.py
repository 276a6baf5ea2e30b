"""Let two mechanisms exchange their commands one by one, without a connection."""

import pytest
import zmq

from zlinkcompat.core.options import Options
from zlinkcompat.wire.errors import ProtocolError
from zlinkcompat.wire.security import mechanisms, sodium
from zlinkcompat.wire.security.zap import ZapReply
from zlinkcompat.wire.zmtp import commands

SERVER, CLIENT = sodium.keypair(), sodium.keypair()

OTHER = sodium.keypair()

KINDS = ("null", "plain", "curve")


def make(kind, side, socket_type=None, **changes):
    """Return the server or the client of a mechanism; by default they are a PULL and a PUSH."""
    default = zmq.PULL if side == "server" else zmq.PUSH
    options = Options(default if socket_type is None else socket_type)
    settings = {
        ("null", "server"): {"ZAP_DOMAIN": b"domain"},
        ("plain", "server"): {"PLAIN_SERVER": 1},
        ("plain", "client"): {"PLAIN_USERNAME": b"user", "PLAIN_PASSWORD": b"secret"},
        ("curve", "server"): {"CURVE_SERVER": 1, "CURVE_SECRETKEY": SERVER[1]},
        ("curve", "client"): {
            "CURVE_PUBLICKEY": CLIENT[0],
            "CURVE_SECRETKEY": CLIENT[1],
            "CURVE_SERVERKEY": SERVER[0],
        },
    }.get((kind, side), {})
    for name, value in {**settings, **changes}.items():
        options.set(getattr(zmq, name), value)
    return mechanisms.create(options)


def give(mechanism, body):
    """Give a command to ``mechanism``; return its answer or its ZAP request."""
    name, data, offset = commands.split_command_untrusted(body, 1000)
    return mechanism.receive(name, data, offset)


class Talk:
    """The two sides of a handshake, and everything that they exchange.

    ``change(number, body)`` may replace a command; the first command has the number 0.
    """

    def __init__(self, client, server, zap_reply=None, change=None):
        self.client, self.server = client, server
        self.zap_reply = zap_reply
        self.change = change or (lambda number, body: body)
        self.said = []
        self.questions = []

    def run(self):
        waiting = [(self.server, self.client.start())]
        self.hear(waiting, self.client, self.server.start())
        while waiting:
            side, body = waiting.pop(0)
            if body is None:
                continue
            body = self.change(len(self.said), body)
            self.said.append(body)
            other = self.client if side is self.server else self.server
            self.hear(waiting, other, give(side, body), side)
        return self

    def hear(self, waiting, other, answer, side=None):
        side = side or self.server
        waiting.append((other, answer))
        if side.zap_request is not None:
            self.questions.append(side.zap_request)
            waiting.append((other, side.on_zap_reply(self.zap_reply)))

    @property
    def done(self):
        return self.client.done and self.server.done


GOOD = ZapReply(200, "OK", {b"User-Id": b"me", b"X-zap": b"1"})

NAMES = {"null": ["READY", "READY"]}
NAMES["plain"] = NAMES["curve"] = ["HELLO", "WELCOME", "INITIATE", "READY"]


def talk(kind, zap_reply=GOOD, change=None, server=None, client=None):
    return Talk(
        make(kind, "client", **client or {}),
        make(kind, "server", **server or {}),
        zap_reply,
        change,
    )


def fails(told, code):
    with pytest.raises(ProtocolError) as caught:
        told.run()
    assert caught.value.code == code, caught.value
    assert not told.done

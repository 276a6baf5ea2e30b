"""pyzmq's authenticators authenticate peers of our sockets, through both entry points."""

import pytest
from programs import run

ENTRY_POINTS = {"import": ("zlinkcompat", None), "backend": ("zmq", "zlinkcompat.backend")}

COMMON = """
import importlib, os, sys
zmq = importlib.import_module({library!r})
certs = importlib.import_module({library!r} + ".auth")

context = zmq.Context()
server_keys, client_keys, other_keys = (zmq.curve_keypair() for _ in range(3))

def meet(domain=b"", **client):
    "What a server of the client's mechanism gets, and from whom; 'refused' if nothing."
    server = context.socket(zmq.PULL)
    server.linger = 0
    if "plain_username" in client:
        server.plain_server = 1
    elif "curve_serverkey" in client:
        server.curve_server = 1
        server.curve_secretkey = server_keys[1]
    if domain:
        server.zap_domain = domain
    port = server.bind_to_random_port("tcp://127.0.0.1")
    push = context.socket(zmq.PUSH)
    push.linger = 0
    for name, value in client.items():
        setattr(push, name, value)
    refused = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    push.connect("tcp://127.0.0.1:%d" % port)
    push.send(b"hello")
    poller = zmq.Poller()
    poller.register(server, zmq.POLLIN)
    poller.register(refused, zmq.POLLIN)
    return server, push, refused, poller

def outcome(meeting, ready):
    server, push, refused, poller = meeting
    if server in dict(ready):
        frame = server.recv(copy=False)
        try:
            result = frame["User-Id"]
        except KeyError:
            result = "nobody"
        except zmq.ZMQError:
            result = "nobody"
    else:
        result = "refused" if refused in dict(ready) else "nothing"
    push.disable_monitor()
    for sock in (server, push, refused):
        sock.close(0)
    return result

def plain(password):
    return dict(plain_username=b"admin", plain_password=password)

def curve(keys):
    return dict(curve_publickey=keys[0], curve_secretkey=keys[1], curve_serverkey=server_keys[0])

class Provider:
    def callback(self, domain, key):
        return key == client_keys[0]

CASES = [
    ("null", dict()), ("null in a domain", dict(domain=b"d")),
    ("right password", plain(b"right")), ("wrong password", plain(b"wrong")),
    ("known key", curve(client_keys)), ("other key", curve(other_keys)),
]

def configure(auth):
    auth.allow("127.0.0.1")
    auth.configure_plain("*", {{"admin": "right"}})
    auth.configure_curve_callback("*", credentials_provider=Provider())
"""

EXPECTED = [
    "null nobody",
    "null in a domain anonymous",
    "right password admin",
    "wrong password refused",
    "known key {key}",
    "other key refused",
    "null from a denied address refused",
    "end",
]

THREAD = (
    COMMON
    + """
thread = importlib.import_module({library!r} + ".auth.thread")
auth = thread.ThreadAuthenticator(context)
auth.start()
configure(auth)
for name, client in CASES:
    meeting = meet(**client)
    print(name, outcome(meeting, meeting[3].poll(30_000)))
auth.stop()
auth = thread.ThreadAuthenticator(context)
auth.start()
auth.deny("127.0.0.1")
meeting = meet(domain=b"d")
print("null from a denied address", outcome(meeting, meeting[3].poll(30_000)))
auth.stop()
context.term()
print("key", client_keys[0].decode())
print("end")
"""
)

ASYNCIO = (
    COMMON
    + """
import asyncio
zmq_asyncio = importlib.import_module({library!r} + ".auth.asyncio")
polling = importlib.import_module({library!r} + ".asyncio")

async def judged(meeting):
    poller = polling.Poller()
    poller.register(meeting[0], zmq.POLLIN)
    poller.register(meeting[2], zmq.POLLIN)
    return outcome(meeting, await poller.poll(30_000))

async def main():
    auth = zmq_asyncio.AsyncioAuthenticator(context)
    auth.start()
    configure(auth)
    for name, client in CASES:
        print(name, await judged(meet(**client)))
    auth.stop()
    auth = zmq_asyncio.AsyncioAuthenticator(context)
    auth.start()
    auth.deny("127.0.0.1")
    print("null from a denied address", await judged(meet(domain=b"d")))
    auth.stop()

asyncio.run(main())
context.term()
print("key", client_keys[0].decode())
print("end")
"""
)

PATCH = "from gevent import monkey; monkey.patch_all()\n"


def check(source, entry_point, patched):
    library, backend = ENTRY_POINTS[entry_point]
    text = (PATCH if patched else "") + source.format(library=library)
    lines = run(text, PYZMQ_BACKEND=backend).splitlines()
    (key,) = [line.split(" ", 1)[1] for line in lines if line.startswith("key ")]
    lines.remove(f"key {key}")
    assert lines == [line.replace("{key}", key) for line in EXPECTED]


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
@pytest.mark.parametrize("patched", [True, False], ids=["patched", "unpatched"])
def test_thread_authenticator(entry_point, patched):
    check(THREAD, entry_point, patched)


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_asyncio_authenticator_in_a_patched_program(entry_point):
    check(ASYNCIO, entry_point, True)


def test_certificates_are_written_and_read(tmp_path):
    run(f"""
        import zlinkcompat.auth as auth
        public, secret = auth.create_certificates({str(tmp_path)!r}, "name")
        key, none = auth.load_certificate(public)
        both = auth.load_certificate(secret)
        assert none is None and both[0] == key and len(both[1]) == 40
        import zlinkcompat, zmq
        assert zlinkcompat.curve_public(both[1]) == key == zmq.curve_public(both[1])
    """)

"""Programs run under ``-W error`` through every entry point, so we use nothing that is deprecated.

For example, gevent's ``monkey.patch_all`` will accept its arguments by keyword only.
"""

import pytest
from programs import python

PROGRAM = """
import {module} as zmq

with zmq.Context() as context, context.socket(zmq.REP) as rep, context.socket(zmq.REQ) as req:
    rep.bind("tcp://127.0.0.1:*")
    req.connect(rep.last_endpoint.decode())
    req.send_multipart([b"a", b"b"])
    assert rep.recv_multipart() == [b"a", b"b"]
    rep.send_json({{"c": 1}})
    assert req.recv_json() == {{"c": 1}}
    poller = zmq.Poller()
    poller.register(req, zmq.POLLIN)
    assert poller.poll(0) == []

public, secret = zmq.curve_keypair()
assert zmq.curve_public(secret) == public
print("done")
"""

COROUTINES = """
import asyncio
import {package} as zmq
from {package}.asyncio import Context
from {package}.utils.monitor import recv_monitor_message

async def main():
    context = Context()
    with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        events = pull.get_monitor_socket()
        pull.bind("tcp://127.0.0.1:*")
        assert (await recv_monitor_message(events))["event"] == zmq.EVENT_LISTENING
        pull.disable_monitor()
        push.connect(pull.last_endpoint.decode())
        await push.send(b"a")
        assert await pull.recv() == b"a"
    context.destroy(linger=0)

asyncio.run(main())
print("done")
"""

PATCH = "from gevent import monkey\nmonkey.patch_all()\n"

BACKEND = "zlinkcompat.backend"

PROGRAMS = {
    "swapped": (PROGRAM.format(module="zlinkcompat"), None),
    "swapped and patched": (PATCH + PROGRAM.format(module="zlinkcompat"), None),
    "green": (PROGRAM.format(module="zlinkcompat.green"), None),
    "asyncio": (COROUTINES.format(package="zlinkcompat"), None),
    "backend": (PROGRAM.format(module="zmq"), BACKEND),
    "backend and patched": (PATCH + PROGRAM.format(module="zmq"), BACKEND),
    "backend, green": (PATCH + PROGRAM.format(module="zmq.green"), BACKEND),
    "backend, asyncio": (COROUTINES.format(package="zmq"), BACKEND),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_causes_no_warning(name):
    source, backend = PROGRAMS[name]
    # On the pure-Python build, ZLINKCOMPAT_PURE is set. Without it the package would rightly warn.
    done = python("-W", "error", "-c", source, PYZMQ_BACKEND=backend)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@pytest.mark.parametrize("patch", [(), ("--no-patch",)], ids=["patched", "unpatched"])
def test_runner_causes_no_warning(patch, tmp_path):
    path = tmp_path / "prog.py"
    path.write_text(PROGRAM.format(module="zmq"))
    done = python("-W", "error", "-m", "zlinkcompat", "run", *patch, path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")

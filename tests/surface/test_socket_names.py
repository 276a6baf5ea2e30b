"""``socket.name`` is the name of a socket in records and dumps."""

import inspect
import os
import subprocess
import sys

import pytest

import zlinkcompat as zmq
from zlinkcompat.debug.records import snapshot


def here():
    """Return the file and line of the caller in the format of a socket's default name."""
    caller = inspect.currentframe().f_back
    return f"{os.path.basename(caller.f_code.co_filename)}:{caller.f_lineno}"


def test_default_name_is_the_type_and_the_line_that_made_the_socket(context):
    sock, place = context.socket(zmq.PUB), here()
    assert sock.name == f"PUB {place}"
    assert zmq.Socket.shadow(sock.underlying).name == sock.name


def test_name_can_be_set(context):
    sock = context.socket(zmq.PULL)
    sock.name = "jobs"
    assert sock.name == "jobs"
    assert "jobs" in [each.name for each in snapshot().sockets]
    sock.name = 7
    assert sock.name == "7"
    sock.name = None
    assert sock.name.startswith("PULL test_socket_names.py:")


def test_name_of_a_closed_socket_stays(context):
    sock = context.socket(zmq.PULL)
    sock.name = "jobs"
    sock.close()
    assert sock.name == "jobs"


def test_name_before_the_socket_is_made(context):
    class Early(zmq.Socket):
        def __init__(self, *args):
            assert self.name == ""
            with pytest.raises(zmq.ZMQError) as failed:
                self.name = "early"
            assert failed.value.errno == zmq.ENOTSOCK
            super().__init__(*args)

    sock = Early(context, zmq.PULL)
    assert sock.name.startswith("PULL ")
    sock.close()


def test_name_of_a_socket_whose_constructor_failed(context):
    made = []

    class Kept(zmq.Socket):
        def __init__(self, *args):
            made.append(self)
            super().__init__(*args)

    for kind in (99, "text"):
        with pytest.raises((zmq.ZMQError, TypeError)):
            Kept(context, kind)
    assert [each.name for each in made] == ["", ""]
    with pytest.raises(zmq.ZMQError, match="the socket is closed"):
        made[0].name = "late"


def test_subclass_may_have_a_name_of_its_own(context):
    class Named(zmq.Socket):
        name = "class"

    sock = Named(context, zmq.PULL)
    sock.name = "object"
    assert (Named.name, sock.name) == ("class", "object")
    sock.close()


def test_monitor_is_named_after_its_socket(context):
    sock = context.socket(zmq.PULL)
    sock.name = "jobs"
    sock.get_monitor_socket()
    assert "monitor of jobs" in [each.name for each in snapshot().sockets]
    sock.disable_monitor()


PROGRAM = """
import asyncio
import zmq.asyncio
async def main():
    sock = zmq.asyncio.Context().socket(zmq.PULL)
    print(sock.name)
    sock.close()
asyncio.run(main())
"""


@pytest.mark.parametrize(
    "program",
    [
        PROGRAM,
        PROGRAM.replace("zmq", "zlinkcompat").replace(
            "import zlinkcompat.asyncio", "import zlinkcompat, zlinkcompat.asyncio"
        ),
    ],
)
def test_name_of_an_asyncio_socket_in_either_entry_point(tmp_path, program):
    path = tmp_path / "server.py"
    path.write_text(program)
    environment = dict(os.environ, PYZMQ_BACKEND="zlinkcompat.backend")
    done = subprocess.run([sys.executable, path], env=environment, capture_output=True, text=True)
    assert done.stdout == "PULL server.py:5\n", done.stderr

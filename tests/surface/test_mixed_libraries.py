"""An object of one library given to the other raises a TypeError that names both modules."""

import asyncio
import re

import pytest
import zmq as pyzmq
import zmq.asyncio
import zmq.auth.asyncio
import zmq.auth.thread
import zmq.devices
from zmq.eventloop.zmqstream import ZMQStream

import zlinkcompat as zmq
import zlinkcompat.asyncio
import zlinkcompat.auth.asyncio
import zlinkcompat.auth.thread
import zlinkcompat.devices


@pytest.fixture
def ours(make):
    return make(zmq.PULL)


@pytest.fixture
def theirs():
    with pyzmq.Context() as context, context.socket(pyzmq.PULL) as sock:
        yield sock


def poll(poller, sock):
    poller.register(sock, pyzmq.POLLIN)
    return poller.poll(0)


async def poll_there(sock):
    poller = pyzmq.asyncio.Poller()
    poller.register(sock, pyzmq.POLLIN)
    await asyncio.wait_for(poller.poll(0), 5)


def start_thread_authenticator(library, context):
    authenticator = library.auth.thread.ThreadAuthenticator(context)
    try:
        authenticator.start()
    finally:
        authenticator.stop()


async def start_asyncio_authenticator(library, context):
    authenticator = library.auth.asyncio.AsyncioAuthenticator(context)
    try:
        authenticator.start()
    finally:
        authenticator.stop()


async def stream_there(sock):
    ZMQStream(sock)


#: Functions of pyzmq on libzmq, each called with one of our sockets.
TO_LIBZMQ = {
    "Context.shadow": lambda sock: pyzmq.Context.shadow(sock.context),
    "Context(shadow=)": lambda sock: pyzmq.Context(shadow=sock.context),
    "asyncio.Context.shadow": lambda sock: pyzmq.asyncio.Context.shadow(sock.context),
    "Context": lambda sock: pyzmq.Context(sock.context),
    "asyncio.Context": lambda sock: pyzmq.asyncio.Context(sock.context),
    "Context.socket": lambda sock: sock.context.socket(pyzmq.PULL, socket_class=pyzmq.Socket),
    "asyncio.Context.socket": lambda sock: sock.context.socket(
        pyzmq.PULL, socket_class=pyzmq.asyncio.Socket
    ),
    "Authenticator": lambda sock: pyzmq.auth.Authenticator(sock.context).start(),
    "ThreadAuthenticator": lambda sock: start_thread_authenticator(pyzmq, sock.context),
    "AsyncioAuthenticator": lambda sock: asyncio.run(
        start_asyncio_authenticator(pyzmq, sock.context)
    ),
    "Socket.shadow": lambda sock: pyzmq.Socket.shadow(sock),
    "Socket(shadow=)": lambda sock: pyzmq.Socket(shadow=sock),
    "asyncio.Socket.shadow": lambda sock: pyzmq.asyncio.Socket.shadow(sock),
    "asyncio.Socket.from_socket": lambda sock: pyzmq.asyncio.Socket.from_socket(sock),
    "Poller": lambda sock: poll(pyzmq.Poller(), sock),
    "select": lambda sock: pyzmq.select([sock], [], [], 0),
    "asyncio.Poller": lambda sock: asyncio.run(poll_there(sock)),
    "ZMQStream": lambda sock: asyncio.run(stream_there(sock)),
}

#: Functions of pyzmq whose compiled code itself refuses objects of other classes.
REFUSED_BY_PYZMQ = {
    "proxy": lambda sock: pyzmq.proxy(sock, sock),
    "monitored_queue": lambda sock: pyzmq.devices.monitored_queue(sock, sock, sock),
    "Socket": lambda sock: pyzmq.Socket(sock.context, pyzmq.PULL),
}

#: Our functions, each called with an object of pyzmq on libzmq.
TO_US = {
    "Context.shadow": lambda sock: zmq.Context.shadow(sock.context),
    "Context": lambda sock: zmq.Context(sock.context),
    "asyncio.Context.shadow": lambda sock: zlinkcompat.asyncio.Context.shadow(sock.context),
    "Context.socket": lambda sock: sock.context.socket(zmq.PULL, socket_class=zmq.Socket),
    "Authenticator": lambda sock: zlinkcompat.auth.Authenticator(sock.context).start(),
    "ThreadAuthenticator": lambda sock: start_thread_authenticator(zlinkcompat, sock.context),
    "AsyncioAuthenticator": lambda sock: asyncio.run(
        start_asyncio_authenticator(zlinkcompat, sock.context)
    ),
    "Socket.shadow": lambda sock: zmq.Socket.shadow(sock),
    "Socket(socket)": lambda sock: zmq.Socket(sock),
    "asyncio.Socket.from_socket": lambda sock: zlinkcompat.asyncio.Socket.from_socket(sock),
    "asyncio.Socket": lambda sock: zlinkcompat.asyncio.Socket(sock),
    "Poller": lambda sock: poll(zmq.Poller(), sock),
    "select": lambda sock: zmq.select([sock], [], [], 0),
    "proxy": lambda sock: zmq.proxy(sock, sock),
    "proxy_steerable": lambda sock: zmq.proxy_steerable(sock, sock, None, sock),
    "monitored_queue": lambda sock: zlinkcompat.devices.monitored_queue(sock, sock, sock),
    "Socket": lambda sock: zmq.Socket(sock.context, zmq.PULL),
}


# An object of pyzmq whose construction failed warns when it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("way", TO_LIBZMQ)
def test_our_object_given_to_libzmq(way, ours):
    if way == "asyncio.Poller":
        # asyncio raises a ValueError from the TypeError that fileno() raises.
        with pytest.raises((TypeError, ValueError)):
            TO_LIBZMQ[way](ours)
        return
    with pytest.raises(TypeError) as caught:
        TO_LIBZMQ[way](ours)
    assert re.search(r"zlinkcompat\.", str(caught.value))
    assert re.search(r"\bzmq\.", str(caught.value))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("way", REFUSED_BY_PYZMQ)
def test_our_object_given_to_compiled_pyzmq_code(way, ours):
    with pytest.raises(TypeError):
        REFUSED_BY_PYZMQ[way](ours)


@pytest.mark.parametrize("way", TO_US)
def test_libzmq_object_given_to_us(way, theirs):
    with pytest.raises(TypeError) as caught:
        TO_US[way](theirs)
    assert "zlinkcompat" in str(caught.value) and "zmq." in str(caught.value)
    assert "import zlinkcompat in place of zmq" in str(caught.value)


def test_libzmq_refuses_our_address(ours):
    with pytest.raises(OverflowError):
        pyzmq.Socket(shadow=ours.underlying)
    with pytest.raises(OverflowError):
        pyzmq.Context(shadow=ours.context.underlying)


def test_context_is_not_a_number(ours):
    with pytest.raises(
        TypeError, match=r"a number is needed, not a zlinkcompat\._sugar\.context\.Context"
    ):
        int(ours.context)


def test_socket_subclass_of_ours_is_used(ours):
    class Own(zmq.Socket):
        pass

    with ours.context.socket(zmq.PULL, socket_class=Own) as sock:
        assert type(sock) is Own


def test_our_shadows_and_descriptors_still_work(ours):
    assert zmq.Socket.shadow(ours).underlying == ours.underlying
    assert zmq.Socket.shadow(ours.underlying).underlying == ours.underlying
    assert zmq.Context.shadow(ours.context.underlying).underlying == ours.context.underlying
    assert ours.fileno() == ours.getsockopt(zmq.FD)

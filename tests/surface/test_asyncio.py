"""``zlinkcompat.asyncio``: coroutines send and receive."""

import asyncio
import threading
import time

import programs
import pytest
from guard import GUARD

import zlinkcompat as blocking
import zlinkcompat.asyncio as zmq
from zlinkcompat import tuning


@pytest.fixture(params=["asyncio", "uvloop"])
def new_event_loop(request):
    return pytest.importorskip(request.param).new_event_loop


@pytest.fixture
def run(new_event_loop):
    """``run(function)`` runs ``function(context)``, a coroutine, in a loop for at most 10 s."""

    def run(function):
        async def main():
            context = zmq.Context()
            try:
                await asyncio.wait_for(function(context), 10)
            finally:
                context.destroy(linger=0)

        loop = new_event_loop()
        try:
            loop.run_until_complete(main())
        finally:
            loop.close()

    return run


def pair(context, one, other, endpoint="tcp://127.0.0.1:*"):
    a, b = context.socket(one), context.socket(other)
    a.bind(endpoint)
    b.connect(a.last_endpoint)
    return a, b


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:*", "inproc://a"])
def test_round_trips(run, endpoint):
    async def main(context):
        rep, req = pair(context, zmq.REP, zmq.REQ, endpoint)

        async def serve():
            while True:
                await rep.send_multipart(await rep.recv_multipart())

        server = asyncio.ensure_future(serve())
        for number in range(200):
            await req.send_string(str(number))
            assert await req.recv_string() == str(number)
        server.cancel()

    run(main)


def test_cancelled_receiver_loses_nothing(run):
    async def main(context):
        pull, push = pair(context, zmq.PULL, zmq.PUSH)
        received = []
        for number in range(100):
            waiting = pull.recv()
            await asyncio.sleep(0)
            if not waiting.cancel():
                received.append(waiting.result())
            await push.send(b"%d" % number)
        while len(received) < 100:
            received.append(await pull.recv())
        assert received == [b"%d" % number for number in range(100)]

    run(main)


def test_receivers_are_served_in_order(run):
    async def main(context):
        pull, push = pair(context, zmq.PULL, zmq.PUSH)
        waiting = [pull.recv() for _ in range(3)]
        for body in (b"1", b"2", b"3"):
            await push.send(body)
        assert await asyncio.gather(*waiting) == [b"1", b"2", b"3"]

    run(main)


@pytest.mark.parametrize(
    "variable, option, burst",
    [
        (None, None, 64),
        (None, 1, 1),
        (None, 1000, 1000),
        ("20", 1000, 20),
    ],
)
def test_busy_coroutine_does_not_starve_the_loop(run, monkeypatch, variable, option, burst):
    if variable is not None:
        monkeypatch.setenv("ZLINK_ASYNCIO_BURST", variable)

    async def main(context):
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        if option is not None:
            for each in (pull, push):
                each.setsockopt(tuning.ASYNCIO_BURST, option)
        pull.bind("inproc://a")
        push.connect("inproc://a")
        turns = 0

        async def count_turns():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.ensure_future(count_turns())
        for _ in range(1000):
            await push.send(b"x")
            await pull.recv()
        counting.cancel()
        waits = 2 * (1000 // burst)
        assert waits <= turns <= 3 * waits

    run(main)


def test_sender_waits_at_the_high_water_mark(run):
    async def main(context):
        pull, push = pair(context, zmq.PULL, zmq.PUSH, "inproc://a")
        count = 0
        while True:
            sending = push.send(b"%d" % count)
            if not sending.done():
                await asyncio.wait([sending], timeout=0.05)
            if not sending.done():
                break
            count += 1
        assert await pull.recv() == b"0"
        for number in range(1, count + 1):
            assert await pull.recv() == b"%d" % number
        await sending

    run(main)


def test_timeouts_and_errors(run):
    async def main(context):
        pull, push = pair(context, zmq.PULL, zmq.PUSH)
        pull.rcvtimeo = 10
        with pytest.raises(zmq.Again):
            await pull.recv()
        with pytest.raises(zmq.Again):
            await pull.recv(zmq.NOBLOCK)
        assert await pull.poll(10) == 0
        await push.send(b"x")
        assert await pull.poll(GUARD * 1000) == zmq.POLLIN
        req = context.socket(zmq.REQ)
        with pytest.raises(zmq.ZMQError) as caught:
            await req.recv()
        assert caught.value.errno == zmq.EFSM
        waiting = push.poll(None, zmq.POLLIN)
        push.close()
        assert waiting.cancelled()
        with pytest.raises(zmq.ZMQError) as caught:
            await push.send(b"x")
        assert caught.value.errno == zmq.ENOTSOCK

    run(main)


FORMS = {
    "string": lambda sock: sock.recv_string(),
    "json": lambda sock: sock.recv_json(),
    "pyobj": lambda sock: sock.recv_pyobj(),
    "serialized": lambda sock: sock.recv_serialized(lambda frames: int(frames[0])),
}


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_cancelled_recv_string_or_pyobj_loses_nothing(run, form, waits):
    async def main(context):
        pull, push = pair(context, zmq.PULL, zmq.PUSH)
        sent = [str(number) if form == "string" else number for number in range(50)]
        received = []
        for thing in sent:
            send = push.send_pyobj if form == "pyobj" else push.send_string
            await send(thing if form == "pyobj" else str(thing))
            if not waits:
                await pull.poll()
            future = FORMS[form](pull)
            if waits:
                await asyncio.sleep(0)
            if not future.cancel():
                received.append(await future)
        while len(received) < 50:
            received.append(await FORMS[form](pull))
        assert received == sent

    run(main)


@pytest.mark.parametrize("waits", [False, True])
def test_undecodable_message_fails_the_future(run, waits):
    """If a message cannot be decoded, the future gets the error.

    This includes an Again that the program's own decoder raises.
    """

    async def main(context):
        pull, push = pair(context, zmq.PULL, zmq.PUSH)

        def refuse(frames):
            raise zmq.Again(zmq.EAGAIN)

        for receive, error in [
            (pull.recv_json, ValueError),
            (lambda: pull.recv_serialized(refuse), zmq.Again),
        ]:
            if waits:
                future = receive()
                await push.send(b"{")
            else:
                await push.send(b"{")
                await pull.poll()
                future = receive()
            with pytest.raises(error):
                await future
        with pytest.raises(zmq.Again):
            await pull.recv_string(zmq.NOBLOCK)

    run(main)


def test_recv_forms_call_the_subclass_recv(run):
    class Socket(zmq.Socket):
        def recv(self, *args, **kwargs):
            return asyncio.ensure_future(self.shouted(super().recv(*args, **kwargs)))

        async def shouted(self, future):
            return (await future).upper()

    async def main(context):
        with Socket(context, zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
            pull.bind("inproc://a")
            push.connect("inproc://a")
            await push.send(b"x")
            assert await pull.recv_string() == "X"

    run(main)


def test_sockets_without_io_threads_are_refused(run, monkeypatch):
    """Sockets of the hub engine would wait forever in a loop, where their hub does not run."""

    async def main(context):
        with blocking.Context() as hub, hub.socket(zmq.PULL) as pull:
            poller = zmq.Poller()
            poller.register(pull, zmq.POLLIN)
            assert await poller.poll(0) == []
            with pytest.raises(RuntimeError, match="ZLINK_ENGINE=thread"):
                await poller.poll()
            with pytest.raises(RuntimeError, match="ZLINK_ENGINE=thread"):
                zmq.Socket.from_socket(pull).recv()

    monkeypatch.setenv("ZLINK_ENGINE", "hub")
    run(main)


def test_hub_sockets_in_a_patched_loop():
    """Shadows of hub sockets work in a patched loop, since the hub runs while the loop waits."""
    assert (
        programs.run("""
from gevent import monkey
monkey.patch_all()
import asyncio
import zlinkcompat as zmq
import zlinkcompat.asyncio

async def main(context):
    made = zlinkcompat.asyncio.Context.shadow(context)
    pull, push = made.socket(zmq.PULL), zlinkcompat.asyncio.Socket(context.socket(zmq.PUSH))
    pull.bind("tcp://127.0.0.1:*")
    waiting = asyncio.ensure_future(pull.recv())
    push.connect(pull.last_endpoint)
    await push.send(b"first")
    print(await waiting)
    sent = asyncio.gather(*(push.send(b"%d" % number) for number in range(5000)))
    print(sum([int(await pull.recv()) for _ in range(5000)]))
    await sent
    print(await pull.poll(5))
    poller = zlinkcompat.asyncio.Poller()
    poller.register(pull, zmq.POLLIN)
    await push.send(b"last")
    print(len(await poller.poll()), await pull.recv())

context = zmq.Context()
asyncio.run(main(context))
context.destroy(0)
""")
        == f"b'first'\n{sum(range(5000))}\n0\n1 b'last'\n"
    )


@pytest.mark.parametrize("wait", ["poll", "recv", "send", "cancelled"])
def test_timed_out_call_leaves_nothing_behind(run, wait):
    async def main(context):
        sock = context.socket(zmq.PUSH if wait == "send" else zmq.PULL)
        sock.rcvtimeo = sock.sndtimeo = 1
        waits = {
            "poll": lambda: sock.poll(1),
            "recv": sock.recv,
            "send": lambda: sock.send(b"x"),
            "cancelled": lambda: sock.poll(GUARD * 1000),
        }[wait]
        forever = sock.poll(None)
        for _ in range(2):
            futures = [waits() for _ in range(500)]
            if wait == "cancelled":
                for future in futures:
                    future.cancel()
            await asyncio.wait(futures)
        left = [*sock._recv_futures, *sock._send_futures]
        assert [each.future for each in left] == [forever]

    run(main)


@pytest.mark.parametrize("before", ["poll(10)", "recv() for 10 ms", "recv() for ever"])
def test_blocking_shadow_in_the_thread_of_the_loop(run, before):
    """A blocking shadow is woken before the coroutines that wait in the same socket.

    The loop cannot run while the shadow blocks its thread.
    """

    async def main(context):
        pull, push = pair(context, zmq.PULL, zmq.PUSH)
        pull.rcvtimeo = -1 if before == "recv() for ever" else 10
        if before == "poll(10)":
            assert await pull.poll(10) == 0
        else:
            waiting = pull.recv()
            await asyncio.wait([waiting], timeout=0.02)
        shadow = blocking.Socket.shadow(pull)
        shadow.rcvtimeo = GUARD * 1000
        # By then this thread waits in recv(). If it were late, we would only test less.
        timer = threading.Timer(0.02, blocking.Socket.shadow(push).send, [b"x"])
        timer.start()
        began = time.monotonic()
        assert shadow.recv() == b"x"
        # The message ended the call, not its timeout.
        assert time.monotonic() - began < GUARD
        timer.join()

    run(main)


@pytest.mark.parametrize("left", ["nothing", "a poll that timed out", "a recv that waits"])
def test_one_loop_after_the_other(new_event_loop, left):
    context = zmq.Context()
    pull, push = pair(context, zmq.PULL, zmq.PUSH)

    async def first():
        if left == "a recv that waits":
            waits.append(pull.recv())
            await asyncio.sleep(0)
        elif left == "a poll that timed out":
            assert await pull.poll(1) == 0

    async def second():
        waiting = pull.recv()
        # By then the call below waits. If it were late, we would only test less.
        timer = threading.Timer(0.02, blocking.Socket.shadow(push).send, [b"x"])
        timer.start()
        assert await asyncio.wait_for(waiting, GUARD) == b"x"
        timer.join()

    async def third():
        waiting = pull.recv()
        term = threading.Thread(target=context.term)
        term.start()
        with pytest.raises(zmq.ContextTerminated):
            await asyncio.wait_for(waiting, GUARD)
        pull.close()
        push.close()
        term.join()

    waits = []
    for function in (first, second, third):
        loop = new_event_loop()
        loop.run_until_complete(function())
        loop.close()
    assert all(future.cancelled() for future in waits)


def test_socket_closed_after_its_loop(new_event_loop):
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:

        async def main():
            return pull.recv()

        loop = new_event_loop()
        waiting = loop.run_until_complete(main())
        loop.close()
        pull.close()
        assert waiting.cancelled()


def test_poller(run):
    async def main(context):
        pull, push = pair(context, zmq.PULL, zmq.PUSH)
        poller = zmq.Poller()
        poller.register(pull, zmq.POLLIN)
        assert await poller.poll(10) == []
        waiting = asyncio.ensure_future(poller.poll())
        await asyncio.sleep(0.01)
        await push.send(b"x")
        assert await waiting == [(pull, zmq.POLLIN)]

    run(main)

"""Tests of lent connections whose event loop, socket or peer ends, or whose loop changes."""

import asyncio
import os
import threading
from pathlib import Path

import programs
import pytest
from guard import GUARD
from lending import connections, pair, until_reclaimed, until_served

import zlinkcompat as blocking
import zlinkcompat.asyncio as zmq
from zlinkcompat.engine import loop_poller

pytestmark = pytest.mark.skipif(
    not loop_poller.AVAILABLE, reason="needs the compiled build and epoll"
)

HERE = Path(__file__).parent.parent


def test_one_loop_after_the_other(new_event_loop, context):
    """After a loop has ended, the I/O threads serve its connections until another loop runs."""
    pull, push = pair(context, zmq.PULL, zmq.PUSH)

    async def use(number):
        for _ in range(10):
            await push.send(b"%d" % number)
            assert await pull.recv() == b"%d" % number
        await until_served(pull, push)
        await push.send(b"left")

    for number in range(5):
        loop = new_event_loop()
        loop.run_until_complete(use(number))
        loop.close()
        # No loop runs now, so the I/O threads have to deliver the message.
        receiver = blocking.Socket.shadow(pull)
        assert receiver.recv() == b"left"


def test_a_loop_that_stops_and_goes_on(new_event_loop, context):
    """Peers are served while a loop does not run between two calls of ``run_until_complete``.

    Jupyter's clients use loops in this way.
    """
    pull, push = pair(context, zmq.PULL, zmq.PUSH, sndhwm=1)
    loop = new_event_loop()

    async def use():
        await push.send(b"x")
        await pull.recv()
        await until_served(pull)

    async def receive():
        return await pull.recv()

    for _ in range(3):
        loop.run_until_complete(asyncio.wait_for(use(), GUARD))
        sender = blocking.Socket.shadow(push)
        for _ in range(50):
            sender.send(bytes(1_000_000))
        for _ in range(50):
            loop.run_until_complete(asyncio.wait_for(receive(), GUARD))
    loop.close()


def test_loops_in_several_threads_share_a_context(new_event_loop, context):
    failures = []

    async def main(number):
        pull, push = pair(context, zmq.PULL, zmq.PUSH)
        with pull, push:
            for count in range(300):
                await push.send(b"%d %d" % (number, count))
                assert await pull.recv() == b"%d %d" % (number, count)

    def run(number):
        loop = new_event_loop()
        try:
            loop.run_until_complete(asyncio.wait_for(main(number), GUARD))
        except BaseException as error:
            failures.append(error)
        finally:
            loop.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_handed_to_a_loop_in_another_thread(new_event_loop, context):
    pull, push = pair(context, zmq.PULL, zmq.PUSH)
    results = []

    async def use():
        for count in range(100):
            await push.send(b"%d" % count)
            assert await pull.recv() == b"%d" % count
        await until_served(pull, push)
        results.append({each.loan.poller for each in connections(pull)})

    def run(loop):
        loop.run_until_complete(asyncio.wait_for(use(), GUARD))

    first, second = new_event_loop(), new_event_loop()
    for loop in (first, second, first):
        thread = threading.Thread(target=run, args=(loop,))
        thread.start()
        thread.join()
    first.close()
    second.close()
    assert len(results) == 3
    assert results[0] == results[2] != results[1]


def test_closed_sockets_deliver_when_the_loop_is_gone(new_event_loop):
    """Closed sockets deliver within LINGER even if only the I/O threads are left to do so."""
    with blocking.Context() as other, other.socket(zmq.PULL) as pull:
        pull.rcvtimeo = GUARD * 1000
        pull.rcvhwm = 1
        pull.bind("tcp://127.0.0.1:*")

        async def main():
            context = zmq.Context()
            push = context.socket(zmq.PUSH)
            push.sndhwm = 0
            push.connect(pull.last_endpoint)
            for number in range(100):
                await push.send(b"%d" % number + bytes(100_000))
            await until_served(push)
            push.close()
            return context

        loop = new_event_loop()
        context = loop.run_until_complete(main())
        loop.close()
        assert [int(pull.recv()[:-100_000]) for _ in range(100)] == list(range(100))
        context.term()


def test_descriptors_go_with_their_loops(new_event_loop, context):
    pull, push = pair(context, zmq.PULL, zmq.PUSH)

    async def use():
        await push.send(b"x")
        await pull.recv()
        await until_served(pull, push)

    counts = []
    for _ in range(10):
        loop = new_event_loop()
        loop.run_until_complete(asyncio.wait_for(use(), GUARD))
        loop.close()
        blocking.Socket.shadow(pull).poll(0)
        loop = new_event_loop()
        loop.run_until_complete(until_reclaimed(pull, push))
        loop.close()
        counts.append(len(os.listdir("/proc/self/fd")))
    assert counts[-1] <= counts[1]


def test_peers_that_leave_are_noticed(run, context):
    async def main():
        rep = context.socket(zmq.REP)
        rep.bind("tcp://127.0.0.1:*")
        for number in range(20):
            req = context.socket(zmq.REQ)
            req.linger = 0
            req.connect(rep.last_endpoint)
            await req.send(b"%d" % number)
            assert await rep.recv() == b"%d" % number
            await rep.send(b"")
            await req.recv()
            req.close()
        while connections(rep):
            await asyncio.sleep(0.001)

    run(main())


def test_reconnecting_sockets_are_served_again(run, context):
    async def main():
        sub = context.socket(zmq.SUB)
        sub.subscribe = b""
        sub.reconnect_ivl = 1
        endpoint = None
        for number in range(3):
            pub = context.socket(zmq.PUB)
            pub.linger = 0
            pub.bind(endpoint or "tcp://127.0.0.1:*")
            if endpoint is None:
                endpoint = pub.last_endpoint
                sub.connect(endpoint)
            received = asyncio.ensure_future(sub.recv())
            while not received.done():
                await pub.send(b"%d" % number)
                await asyncio.wait([received], timeout=0.001)
            assert await received == b"%d" % number
            await until_served(sub)
            while await sub.poll(0):
                await sub.recv()
            pub.close()
            while connections(sub):
                await asyncio.sleep(0.001)
            while await sub.poll(0):
                await sub.recv()

    run(main())


@pytest.mark.parametrize("package", ["zmq", "zlinkcompat"])
@pytest.mark.parametrize("loops", ["asyncio", "uvloop"])
@pytest.mark.parametrize("end", ["exit", "fork", "term in the loop", "multiprocessing"])
def test_ends_of_processes(package, loops, end):
    pytest.importorskip(loops)
    done = programs.python(
        HERE / "processes" / "loop_ends.py",
        package,
        loops,
        end,
        PYZMQ_BACKEND="zlinkcompat.backend" if package == "zmq" else None,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "all received\n", "")

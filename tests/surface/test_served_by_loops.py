"""Connections that an asyncio event loop serves, and I/O threads whenever the loop does not."""

import asyncio
import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import programs
import pytest
from guard import GUARD

import zlinkcompat as blocking
import zlinkcompat.asyncio as zmq
from zlinkcompat import tuning
from zlinkcompat.engine import loop_poller

pytestmark = pytest.mark.skipif(
    not loop_poller.AVAILABLE, reason="needs the compiled build and epoll"
)

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def automatic_engine(engine, monkeypatch):
    """The engine that the package chooses by itself."""
    monkeypatch.delenv("ZLINK_ENGINE")


@pytest.fixture(params=["asyncio", "uvloop"])
def new_event_loop(request):
    return pytest.importorskip(request.param).new_event_loop


@pytest.fixture
def run(new_event_loop):
    """run(coroutine) in a new loop, for GUARD seconds at most."""

    def run(coroutine):
        loop = new_event_loop()
        try:
            return loop.run_until_complete(asyncio.wait_for(coroutine, GUARD))
        finally:
            loop.close()

    return run


@pytest.fixture
def context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def pair(context, one, other, **options):
    a, b = context.socket(one), context.socket(other)
    for sock in (a, b):
        sock.rcvtimeo = sock.sndtimeo = GUARD * 1000
        for name, value in options.items():
            setattr(sock, name, value)
    a.bind("tcp://127.0.0.1:*")
    b.connect(a.last_endpoint)
    return a, b


def connections(sock):
    return [session.connection for session in sock.core.peers.sessions if session.connection]


async def until_served(*socks):
    """Return when the running loop serves the connections of these sockets."""
    while not all(is_served(sock) for sock in socks):
        await asyncio.sleep(0.001)


def is_served(sock):
    poller = sock.core.loop_poller
    peers = connections(sock)
    return peers and poller is not None and all(peer.loan.poller is poller for peer in peers)


async def until_reclaimed(*socks):
    while any(each.loan.poller for sock in socks for each in connections(sock)):
        await asyncio.sleep(0.001)


@contextmanager
def io_threads_blocked(context):
    """Within the block, the I/O threads of ``context`` do nothing."""
    done = threading.Event()
    blocked = []
    for thread in context.core.io_threads.threads:
        begun = threading.Event()
        blocked.append(begun)

        def block(begun=begun):
            begun.set()
            done.wait(GUARD)

        thread.engine.mailbox.post(block)
    for begun in blocked:
        assert begun.wait(GUARD)
    try:
        yield
    finally:
        done.set()


def test_messages_cross_no_thread(run, context):
    async def main():
        rep, req = pair(context, zmq.REP, zmq.REQ)

        async def round_trip(number):
            received = rep.recv()
            await req.send(b"%d" % number)
            await rep.send(await received)
            assert await req.recv() == b"%d" % number

        await round_trip(0)
        await until_served(rep, req)
        with io_threads_blocked(context):
            for number in range(100):
                await round_trip(number)

    run(main())


def test_full_pipes_and_full_kernel_buffers_need_no_thread(run, context):
    """The loop itself goes on when there is room again, on both sides."""

    async def main():
        pull, push = pair(context, zmq.PULL, zmq.PUSH, sndhwm=10, rcvhwm=10)
        await push.send(b"first")
        await pull.recv()
        await until_served(pull, push)
        body = bytes(100_000)
        with io_threads_blocked(context):
            sending = asyncio.ensure_future(send_many(push, 200, body))
            for number in range(200):
                assert await pull.recv_multipart() == [b"%d" % number, body]
            await sending

    run(main())


async def send_many(push, count, body):
    for number in range(count):
        await push.send_multipart([b"%d" % number, body])


def test_operations_behind_one_that_gives_way_are_served(run, context):
    async def main():
        pull, push = pair(context, zmq.PULL, zmq.PUSH)
        for sock in (pull, push):
            sock.setsockopt(tuning.ASYNCIO_BURST, 3)
        for _ in range(50):
            sending = [push.send(b"%d" % each) for each in range(20)]
            receiving = [pull.recv() for _ in range(20)]
            await asyncio.gather(*sending)
            assert await asyncio.gather(*receiving) == [b"%d" % each for each in range(20)]

    run(main())


def test_engine_variable_keeps_connections_in_threads(run, monkeypatch):
    monkeypatch.setenv("ZLINK_ENGINE", "thread")

    async def main():
        with zmq.Context() as context:
            pull, push = pair(context, zmq.PULL, zmq.PUSH)
            with pull, push:
                for _ in range(100):
                    await push.send(b"x")
                    await pull.recv()
                assert not any(each.loan.poller for each in connections(pull))

    run(main())


def test_a_loop_that_watches_no_descriptors_gets_none(context):
    class Proactor(asyncio.SelectorEventLoop):
        def add_reader(self, fd, callback, *args):
            if fd == self._ssock.fileno():
                return super().add_reader(fd, callback, *args)
            raise NotImplementedError  # as the proactor loop of Windows does

    async def main():
        pull, push = pair(context, zmq.PULL, zmq.PUSH)
        for number in range(100):
            await push.send(b"%d" % number)
            assert await pull.recv() == b"%d" % number

    loop = Proactor()
    loop.run_until_complete(asyncio.wait_for(main(), GUARD))
    loop.close()


def test_threads_take_over_while_a_coroutine_computes(run, context):
    """Messages that peers send meanwhile are received, up to RCVHWM, and PINGs are answered."""

    async def main():
        pull, push = pair(context, zmq.PULL, zmq.PUSH, sndhwm=10)
        await push.send(b"first")
        await pull.recv()
        await until_served(pull)
        sender = blocking.Socket.shadow(push)
        sent = threading.Event()

        def send():
            for _ in range(100):
                sender.send(bytes(1_000_000))
            sent.set()

        thread = threading.Thread(target=send)
        thread.start()
        # The loop stands still, and the kernel's buffers do not take 100 MB.
        assert sent.wait(GUARD)
        thread.join()
        for _ in range(100):
            assert len(await pull.recv()) == 1_000_000

    run(main())


def test_gathered_messages_leave_while_a_coroutine_computes(run, context):
    async def main():
        pull, push = pair(context, zmq.PULL, zmq.PUSH)
        await push.send(b"first")
        await pull.recv()
        await until_served(push)
        for number in range(10):
            await push.send(b"%d" % number)
        receiver = blocking.Socket.shadow(pull)
        received = []
        thread = threading.Thread(
            target=lambda: received.extend(receiver.recv() for _ in range(10))
        )
        thread.start()
        thread.join(GUARD)
        assert received == [b"%d" % number for number in range(10)]

    run(main())


def test_the_loop_serves_again_after_it_was_late(run, context):
    async def main():
        pull, push = pair(context, zmq.PULL, zmq.PUSH)
        await push.send(b"first")
        await pull.recv()
        await until_served(pull)
        blocking.Socket.shadow(push).send(b"second")
        reclaimed = threading.Event()

        def look():
            while any(each.loan.poller for each in connections(pull)):
                pass
            reclaimed.set()

        threading.Thread(target=look).start()
        assert reclaimed.wait(GUARD)
        assert await pull.recv() == b"second"
        waiting = pull.recv()
        await until_served(pull)
        await push.send(b"third")
        assert await waiting == b"third"

    run(main())


@pytest.mark.parametrize("hwm", [3, 1000])
def test_connections_change_hands_while_messages_flow(run, context, monkeypatch, hwm):
    """Threads take connections back at any step of the loop, which borrows them again."""
    monkeypatch.setattr(loop_poller, "CHECK_INTERVAL", 0.001)
    interval = sys.getswitchinterval()
    over = threading.Event()

    async def main():
        pull, push = pair(context, zmq.PULL, zmq.PUSH, sndhwm=hwm, rcvhwm=hwm)

        def take_back():
            while not over.wait(0.0002):
                for sock in (pull, push):
                    sock.core.serve_in_io_threads()

        taking = threading.Thread(target=take_back)
        taking.start()
        try:
            sys.setswitchinterval(1e-6)
            sending = asyncio.ensure_future(send_numbers(push, 10_000))
            for number in range(10_000):
                assert int((await pull.recv()).rstrip(b"x")) == number
            await sending
        finally:
            sys.setswitchinterval(interval)
            over.set()
            taking.join()

    run(main())


async def send_numbers(push, count):
    for number in range(count):
        await push.send(b"%d" % number + b"x" * (number % 7 * 1000))


def test_one_loop_after_the_other(new_event_loop, context):
    """In between the I/O threads serve; the next loop goes on with the same connections."""
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
        # No loop runs.
        receiver = blocking.Socket.shadow(pull)
        assert receiver.recv() == b"left"


def test_a_loop_that_stops_and_goes_on(new_event_loop, context):
    """``run_until_complete`` again and again, as Jupyter's clients do: peers are served between."""
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
    """LINGER applies even if only the I/O threads are left to deliver."""
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

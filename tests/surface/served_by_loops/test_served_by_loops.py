"""An asyncio event loop serves connections, and I/O threads serve them when the loop does not."""

import asyncio
import sys
import threading

import pytest
from guard import GUARD
from lending import connections, io_threads_blocked, pair, until_served

import zlinkcompat as blocking
import zlinkcompat.asyncio as zmq
from zlinkcompat import tuning
from zlinkcompat.engine import loop_poller

pytestmark = pytest.mark.skipif(
    not loop_poller.AVAILABLE, reason="needs the compiled build and epoll"
)


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
    """When full pipes and kernel buffers have room again, the loop itself continues to send."""

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
    """While a coroutine computes, I/O threads receive up to RCVHWM messages and answer PINGs."""

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
        # This thread blocks the loop, and the kernel's buffers do not hold 100 MB. So the send
        # only ends if the I/O threads receive.
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
    """No message is lost if I/O threads take connections back from the loop at any step.

    The loop then takes the connections over again.
    """
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

"""Three processes in a ring, which send pickled objects from PUSH to PULL.

This imitates an inference server. The source keeps several requests in flight. The worker receives
the requests that have arrived, without waiting, as a scheduler does between its steps. The relay
waits for the results of the worker, and sends them to the source.
"""

from collections import deque
from time import perf_counter, perf_counter_ns

WINDOW = 16  # requests in flight


async def source(end):
    inbox, address = end.bound(1)
    end.announce(endpoint=address)
    outbox = end.connected(0, await end.wait_for("inlet"))
    await end.wait_for("outlet")
    ask = Asker(outbox, inbox, end.payload())
    ask.run(end.case.warmup, None)
    await end.measured()
    start = perf_counter()
    ask.run(None, start + end.seconds)
    elapsed = perf_counter() - start
    result = {
        "sent": len(ask.times),
        "rate": len(ask.times) / elapsed,
        "times": ask.times,
        **end.cost(),
    }
    outbox.send_pyobj(None)
    assert inbox.recv_pyobj() is None
    end.announce(over=True)
    end.close(inbox)
    end.close(outbox)
    return result


class Asker:
    """Sends requests and receives replies, with at most ``WINDOW`` requests in flight."""

    def __init__(self, outbox, inbox, payload):
        self.outbox = outbox
        self.inbox = inbox
        self.payload = payload
        self.times = []

    def run(self, count, stop):
        """Send ``count`` requests, or send until the time ``stop``; return after the last reply."""
        self.times = []
        started = deque()
        sent = 0
        while True:
            now = perf_counter_ns()
            more = sent < count if stop is None else now < stop * 1e9
            if more and len(started) < WINDOW:
                self.outbox.send_pyobj({"id": sent, "tokens": [1, 2, 3], "data": self.payload})
                started.append(now)
                sent += 1
                continue
            if not started:
                return
            reply = self.inbox.recv_pyobj()
            self.times.append(perf_counter_ns() - started.popleft())
            if reply["id"] != sent - len(started) - 1:
                raise AssertionError(f"reply {reply['id']} is out of order")


async def worker(end):
    inbox, address = end.bound(1, "inlet")
    end.announce(inlet=address)
    outbox = end.connected(0, await end.wait_for("outlet"))
    again = end.adapter.zmq.Again
    noblock = end.adapter.zmq.NOBLOCK
    warm = end.case.warmup
    count = 0
    ended = False
    while not ended:
        batch = []
        try:
            while True:
                batch.append(inbox.recv_pyobj(noblock))
        except again:
            pass
        for request in batch:
            if request is None:
                ended = True
                break
            request["tokens"] = [each + 1 for each in request["tokens"]]
            outbox.send_pyobj(request)
            count += 1
            if count == warm:
                await end.measured()
    cost = end.cost()
    outbox.send_pyobj(None)
    await end.wait_for("over")
    end.close(inbox)
    end.close(outbox)
    return {"received": count - warm, **cost}


async def relay(end):
    inbox, address = end.bound(1, "outlet")
    end.announce(outlet=address)
    outbox = end.connected(0, await end.wait_for("endpoint"))
    warm = end.case.warmup
    count = 0
    while (reply := inbox.recv_pyobj()) is not None:
        outbox.send_pyobj(reply)
        count += 1
        if count == warm:
            await end.measured()
    cost = end.cost()
    outbox.send_pyobj(None)
    await end.wait_for("over")
    end.close(inbox)
    end.close(outbox)
    return cost

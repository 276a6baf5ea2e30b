"""Runs with many native threads on the thread engine, which send requests at the same time, or
make, close and terminate sockets and contexts."""

import faulthandler
import random
import sys
import threading
import time
from collections import Counter
from errno import EFAULT, ENOTSOCK, ENOTSUP

from reliability.processes import Process, raise_descriptor_limit, say
from reliability.soak import held, in_use

# The seconds after which a round, or the end of churn() or closing(), counts as hung. All stacks
# are then printed.
STUCK = 180
# The seconds after close() after which a call that has not returned counts as hung.
HUNG = 30
#: The errno that each call may raise when its socket is closed: for poll those of pyzmq, for proxy
#: those of libzmq.
ENDINGS = {
    "recv": (ENOTSOCK,),
    "send": (ENOTSOCK,),
    "poll": (ENOTSOCK, ENOTSUP),
    "proxy": (ENOTSOCK, EFAULT),
}
CLOSERS = 4  # threads that close sockets during calls of other threads
CHURNERS = 16  # threads that create and close sockets
# The figures of a process that must not grow.
GROWING = ("descriptors", "greenlets", "threads", "objects", "blocks", "allocated_kb")
SETTLED = 10.0  # seconds after which closed objects must have been freed


def rounds(transport, threads, requests, count):
    """Run ``count`` rounds. In a round, each of ``threads`` native threads sends ``requests``
    requests from a REQ of its own. Report the duration of each round, and the process's memory and
    objects after it."""
    import zlinkcompat as zmq

    raise_descriptor_limit()
    context = zmq.Context()
    server = context.socket(zmq.REP)
    server.backlog = threads
    server.bind("tcp://127.0.0.1:*" if transport == "tcp" else "inproc://server")
    endpoint = server.last_endpoint

    def serve():
        try:
            while True:
                server.send(server.recv())
        except zmq.ContextTerminated:
            server.close(0)

    def ask(number, wrong):
        with context.socket(zmq.REQ) as sock:
            sock.rcvtimeo = sock.sndtimeo = STUCK * 1000
            sock.connect(endpoint)
            for request in range(requests):
                question = b"%d %d" % (number, request)
                sock.send(question)
                if sock.recv() != question:
                    wrong.append(question)
            answered[number] += requests

    serving = threading.Thread(target=serve)
    serving.start()
    for _ in range(count):
        faulthandler.dump_traceback_later(STUCK, exit=True)
        answered, wrong = [0] * threads, []
        began = time.monotonic()
        crowd = [threading.Thread(target=ask, args=(number, wrong)) for number in range(threads)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        seconds = time.monotonic() - began
        say(
            {
                "seconds": seconds,
                "answered": sum(answered),
                "wrong": len(wrong),
                **held(),
                **in_use(),
            }
        )
    context.term()
    serving.join()
    faulthandler.cancel_dump_traceback_later()


def churn(seconds):
    """For ``seconds``, let threads make contexts and sockets and close them in every order,
    sometimes from another thread. Report the process's memory and objects before and after this."""
    import zlinkcompat as zmq

    faulthandler.enable()
    raise_descriptor_limit()
    faulthandler.dump_traceback_later(seconds + STUCK, exit=True)
    shared = zmq.Context()
    kinds = [(zmq.PULL, zmq.PUSH), (zmq.REP, zmq.REQ), (zmq.SUB, zmq.PUB), (zmq.ROUTER, zmq.DEALER)]
    failures, made = [], [0] * CHURNERS
    deadline = time.monotonic() + seconds

    def once(rnd, name):
        context = rnd.choice([shared, zmq.Context(), zmq.Context(2)])
        endpoint = rnd.choice(["tcp://127.0.0.1:*", f"inproc://{name}", f"ipc://@churn-{name}"])
        a, b = (context.socket(kind) for kind in rnd.choice(kinds))
        for sock in (a, b):
            sock.rcvtimeo = sock.sndtimeo = 20
            # With the default LINGER, undelivered messages would keep a closed socket for ever.
            sock.linger = 10
        a.bind(endpoint)
        b.connect(a.last_endpoint)
        try:
            b.send(b"x", rnd.choice([0, zmq.NOBLOCK]))
            a.recv()
        except zmq.ZMQError:
            pass
        how = rnd.randrange(5)
        if how == 0 and context is not shared:
            context.destroy(linger=0)
        elif how == 1 and context is not shared:
            # term() must wake the thread that waits in recv().
            waiting = threading.Thread(target=wait, args=(a,))
            waiting.start()
            ending = threading.Thread(target=context.term)
            ending.start()
            b.close(linger=rnd.choice([0, 10]))
            waiting.join()
            ending.join()
        elif how == 2:
            closing = threading.Thread(target=b.close, args=(0,))
            closing.start()
            a.close(0)
            closing.join()
        elif how == 3 and context is not shared:
            return  # leave it to the garbage collector
        a.close(0)
        b.close(0)
        if context is not shared:
            context.term()

    def wait(sock):
        sock.rcvtimeo = -1
        try:
            while True:
                sock.recv()
        except zmq.ZMQError:
            sock.close(0)

    def live(number):
        rnd = random.Random(number)
        try:
            while time.monotonic() < deadline:
                once(rnd, f"{number}-{made[number]}")
                made[number] += 1
        except BaseException as error:
            failures.append(repr(error))

    # The first run makes objects that stay for the life of the process. So make them before
    # counting.
    once(random.Random(0), "first")
    before = held()
    crowd = [threading.Thread(target=live, args=(number,)) for number in range(CHURNERS)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    shared.term()
    patience = time.monotonic() + SETTLED
    while True:
        after = held()
        left = {name: after[name] - before[name] for name in after if name != "memory_kb"}
        if not any(each > 0 for each in left.values()) or time.monotonic() > patience:
            break
        time.sleep(0.01)
    say({"made": sum(made), "before": before, "after": after, "left": left, "failures": failures})
    faulthandler.cancel_dump_traceback_later()


def closing(seconds, interval):
    """For ``seconds``, close sockets while other threads are in a call on them, with a switch
    interval of ``interval`` seconds. Report how many calls ended with which errors."""
    import zlinkcompat as zmq

    faulthandler.enable()
    sys.setswitchinterval(interval)
    context = zmq.Context()
    deadline = time.monotonic() + seconds
    # Print all stacks and exit if the run hangs.
    faulthandler.dump_traceback_later(seconds + STUCK, exit=True)
    ended, failures = Counter(), []

    def use(sock, call):
        """Make calls until the socket is closed."""
        try:
            while True:
                if call == "recv":
                    sock.recv()
                elif call == "send":
                    sock.send(b"x")
                elif call == "poll":
                    sock.poll()
                else:
                    zmq.proxy(sock, sock)
        except zmq.ZMQError as error:
            ended[call, error.errno] += 1
            if error.errno not in ENDINGS[call]:
                failures.append(f"{call}: {error!r}")
        except BaseException as error:
            failures.append(f"{call}: {error!r}")

    def once(rnd, name):
        endpoint = rnd.choice(["tcp://127.0.0.1:*", f"inproc://{name}", f"ipc://@closing-{name}"])
        # DEALERs can always send and receive, independently of the peer.
        a, b = context.socket(zmq.DEALER), context.socket(zmq.DEALER)
        a.linger = b.linger = 0
        a.sndhwm = b.sndhwm = a.rcvhwm = b.rcvhwm = rnd.choice([1, 1000])
        a.bind(endpoint)
        b.connect(a.last_endpoint)
        users = [
            threading.Thread(target=use, args=(sock, call), daemon=True)
            for sock in (a, b)
            for call in [rnd.choice(["recv", "send", "poll", "proxy"])]
        ]
        for user in users:
            user.start()
        if rnd.random() < 0.5:
            time.sleep(rnd.random() * 0.002)
        for sock in rnd.sample([a, b], 2):
            sock.close()
        for user in users:
            user.join(HUNG)
            if user.is_alive():
                failures.append("a call did not return after close()")

    def live(number):
        rnd = random.Random(number)
        count = 0
        while time.monotonic() < deadline and not failures:
            once(rnd, f"{number}-{count}")
            count += 1

    crowd = [threading.Thread(target=live, args=(number,)) for number in range(CLOSERS)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    if not failures:
        context.term()
    faulthandler.cancel_dump_traceback_later()
    say(
        {
            "ended": {f"{call} {errno}": count for (call, errno), count in sorted(ended.items())},
            "failures": failures[:10],
        }
    )


def run_closing(seconds, interval):
    """Run :func:`closing` in a process of its own.

    Returns
    -------
    dict
        ``ended`` has the number of calls by name and errno. ``failures`` lists calls that hung or
        raised another error.
    """
    with Process(
        "reliability.crowds", "closing", seconds, interval, ZLINK_ENGINE="thread"
    ) as process:
        found = process.hear()
    return {"seconds": seconds, "switch_interval": interval, "threads": CLOSERS, **found}


def run_rounds(threads, requests, count):
    """Run ``count`` rounds over inproc, then over tcp.

    Returns
    -------
    dict
        For each transport the numbers of requests and replies, and the process's memory and
        objects. ``failures`` lists missing or wrong replies, and growth.
    """
    found = {"threads": threads, "requests": requests, "rounds": count, "failures": []}
    for transport in ("inproc", "tcp"):
        with Process(
            "reliability.crowds",
            "rounds",
            transport,
            threads,
            requests,
            count,
            ZLINK_ENGINE="thread",
        ) as process:
            told = [process.hear() for _ in range(count)]
        asked, answered = threads * requests * count, sum(each["answered"] for each in told)
        wrong = sum(each["wrong"] for each in told)
        found[transport] = {
            "asked": asked,
            "answered": answered,
            "wrong": wrong,
            "seconds": [round(each["seconds"], 1) for each in told],
            **{name: [each[name] for each in told] for name in ("memory_kb", *GROWING)},
        }
        if answered != asked or wrong:
            found["failures"].append(f"{transport}: {answered} of {asked} answered, {wrong} wrong")
        # The first half of the rounds is the warm-up. The figures count memory in use, and not free
        # memory that an allocator keeps.
        middle, last = told[count // 2], told[-1]
        for name in GROWING:
            if last[name] > middle[name] * 1.05 + 8:
                found["failures"].append(f"{transport}: {name} grew: {middle[name]}, {last[name]}")
    return found


def run_churn(seconds):
    """Run :func:`churn` in a process of its own.

    Returns
    -------
    dict
        ``failures`` lists exceptions, and objects that were not freed.
    """
    with Process("reliability.crowds", "churn", seconds, ZLINK_ENGINE="thread") as process:
        found = process.hear()
    left = found.pop("left")
    found["failures"] += [f"{count} {name} left" for name, count in left.items() if count > 0]
    return {"seconds": seconds, "threads": CHURNERS, **found}


if __name__ == "__main__":
    {
        "rounds": lambda transport, *numbers: rounds(transport, *map(int, numbers)),
        "churn": lambda seconds: churn(float(seconds)),
        "closing": lambda *numbers: closing(*map(float, numbers)),
    }[sys.argv[1]](*sys.argv[2:])

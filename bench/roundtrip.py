"""There and back: each trip timed where it started."""

from time import perf_counter_ns

END = b"end"


def ask(send, receive, size, seconds):
    """Make trips for ``seconds``, after a warm-up of a fifth of that, then send the end mark.

    Returns
    -------
    (int, list of int)
        All trips made, and the nanoseconds of those after the warm-up.
    """
    payload = bytes(size)
    warm = trips(send, receive, payload, seconds / 5)
    measured = trips(send, receive, payload, seconds)
    send(END)
    return len(warm) + len(measured), measured


def trips(send, receive, payload, seconds):
    size = len(payload)
    times = []
    end = perf_counter_ns() + int(seconds * 1e9)
    now = 0
    while now < end:
        start = perf_counter_ns()
        send(payload)
        reply = receive()
        now = perf_counter_ns()
        times.append(now - start)
        if len(reply) != size:
            raise AssertionError(f"the reply has {len(reply)} bytes, not {size}")
    return times


def answer(send, receive, size):
    """Send every message back until the end mark comes; returns how many."""
    count = 0
    while True:
        message = receive()
        if len(message) != size:
            break
        send(message)
        count += 1
    if message != END:
        raise AssertionError(f"after {count} requests came one of {len(message)} bytes")
    return count


def percentile_us(times, percent):
    """A percentile of nanoseconds, in microseconds."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1000


def summary(times):
    return {"p50_us": percentile_us(times, 50), "p99_us": percentile_us(times, 99)}

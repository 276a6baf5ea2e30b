"""One way: as many messages as go in a time, counted and timed where they arrive."""

from itertools import repeat
from time import perf_counter

END = b"end"
SYNC = b"sync"


def send(send_one, size, batch, seconds):
    """Send whole batches for ``seconds``, then the end mark.

    Returns
    -------
    int
        Messages sent, without the mark.
    """
    payload = bytes(size)
    sent = 0
    stop = perf_counter() + seconds
    while perf_counter() < stop:
        for _ in repeat(None, batch):
            send_one(payload)
        sent += batch
    send_one(END)
    return sent


def receive(receive_one, body, size, batch, on_first=None):
    """Count and time what comes, from the first message to the end mark.

    Only the first and the last of each batch are looked at, since a look costs as much as a fifth
    of the fastest ``recv``. A lost message shifts the batches, and the mark is missed or
    comes too early.

    Parameters
    ----------
    receive_one : callable
    body : callable
        The payload of what ``receive_one`` returns.
    on_first : callable, optional
        Told of the first message; those before the first of ``size`` then only find the connection.

    Returns
    -------
    (int, float)
        Messages, and messages per second.
    """
    message = body(receive_one())
    if on_first is not None:
        on_first()
        while message == SYNC:
            message = body(receive_one())
    start = perf_counter()
    count = 0
    while len(message) == size:
        for _ in repeat(None, batch - 2):
            receive_one()
        last = body(receive_one())
        if len(last) != size:
            raise AssertionError(f"message {count + batch} has {len(last)} bytes, not {size}")
        count += batch
        message = body(receive_one())
    elapsed = perf_counter() - start
    if message != END:
        raise AssertionError(f"after {count} messages came one of {len(message)} bytes")
    # The first message is before the clock, the mark is within.
    return count, count / elapsed

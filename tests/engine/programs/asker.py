"""An innocent peer: ``asker.py ENDPOINT PID SECONDS``.

It repeatedly sends a request to the ROUTER at ENDPOINT, and measures the server, process PID. It
prints JSON:

- ``answers``, the number of answers;
- ``cpu_ms``, the most CPU time that the server used between a request and its answer. We subtract
  the time for which this process, or the server's thread that answers, was ready to run but had no
  CPU;
- ``wait_ms``, the longest wait for an answer;
- ``memory_kb``, by how much the memory of the server grew at most.
"""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from rawpeer import greeting, message, ready
from stranger import dial

#: Seconds between an answer and the next request.
PAUSE = 0.002

#: Seconds that an answer may take before the server counts as dead.
PATIENCE = 30


def spent(pid):
    """Return ``{thread: (ns on a CPU, ns ready to run without a CPU)}`` of a process."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as stat:
                ran, waited, _ = stat.read().split()
        except FileNotFoundError:
            continue  # the thread has ended
        found[task] = int(ran), int(waited)
    return found


def held_ns(before, after):
    """Return the CPU time (ns) that a server used between two results of :func:`spent`.

    The result excludes the time that the server's busiest thread may have used while another
    thread, which would have answered, waited for a CPU.
    """
    ran = {task: after[task][0] - before.get(task, (0, 0))[0] for task in after}
    busiest = max(ran, key=ran.get)
    waited = [after[task][1] - before.get(task, (0, 0))[1] for task in after if task != busiest]
    return sum(ran.values()) - max(waited, default=0)


def memory_kb(pid):
    """Return the anonymous memory of a process in KiB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(row.split()[1]) for row in status if row.startswith("RssAnon"))


def exactly(sock, size):
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise EOFError("the server closed the innocent peer's connection")
        data += piece
    return data


def main():
    endpoint, pid, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    sock = dial(endpoint, timeout=PATIENCE)
    sock.sendall(greeting() + ready(b"DEALER"))
    exactly(sock, 64)
    exactly(sock, exactly(sock, 2)[1])
    taken, waits = [], []
    at_first = most = memory_kb(pid)
    end = time.monotonic() + seconds
    while not taken or time.monotonic() < end:
        question = message(b"%09d" % len(taken))
        delayed, before, began = spent(os.getpid()), spent(pid), time.monotonic()
        sock.sendall(question)
        answer = exactly(sock, len(question))
        waited, after, ended = time.monotonic() - began, spent(pid), spent(os.getpid())
        assert answer == question, answer
        delay = sum(ended[task][1] - delayed[task][1] for task in ended)
        taken.append(max(0, held_ns(before, after) - delay))
        waits.append(waited)
        most = max(most, memory_kb(pid))
        time.sleep(PAUSE)
    taken.sort()
    print(
        json.dumps(
            {
                "answers": len(taken),
                "cpu_ms": round(taken[-1] / 1e6, 2),
                "cpu_median_ms": round(taken[len(taken) // 2] / 1e6, 2),
                "cpu_second_ms": round(taken[-2] / 1e6, 2) if len(taken) > 1 else None,
                "wait_ms": round(max(waits) * 1000, 1),
                "memory_kb": most - at_first,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()

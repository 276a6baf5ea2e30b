"""Ten thousand connections to one ROUTER, each of which gets a reply, in zlinkcompat and in
pyzmq."""

import os
import select
import socket
import statistics
import struct
import sys
import time

from reliability.processes import Process, raise_descriptor_limit, say

CLIENTS = 4  # processes that connect
SPARE = 200  # descriptors that a process needs besides its connections

GREETING = b"\xff" + bytes(7) + b"\x01\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = (
    b"\x05READY"
    b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER" + b"\x08Identity" + struct.pack(">I", 0)
)
HELLO = GREETING + bytes([4, len(READY)]) + READY
#: A message to the ROUTER. It is sent after the ROUTER's READY, because libzmq refuses messages
#: before it.
QUESTION = b"\0\x08question"
ANSWER = b"\0\x06answer"


def serve(library):
    """Run a ROUTER of ``library`` that replies to every peer."""
    import importlib

    zmq = importlib.import_module(library)
    limit = raise_descriptor_limit()
    context = zmq.Context()
    context.max_sockets = min(limit, 65535)
    router = context.socket(zmq.ROUTER)
    router.backlog = 4096
    router.bind("tcp://127.0.0.1:*")
    say(router.last_endpoint.decode())
    while True:
        name, question = router.recv_multipart()
        if question == b"stop":
            break
        router.send_multipart([name, b"answer"])
    used = os.times()
    say({"cpu_s": used.user + used.system, "descriptors": len(os.listdir("/proc/self/fd")) - 1})
    router.close(0)
    context.term()


def crowd(port, count):
    """Open ``count`` connections by plain sockets, so that the load is the same for both libraries.

    Report how many got a reply, and when the last reply arrived. Keep the connections open until
    the run ends this process."""
    raise_descriptor_limit()
    poller = select.epoll()
    peers, waiting, answered = {}, 0, 0

    def hear(timeout):
        nonlocal waiting, answered
        for fd, _ in poller.poll(timeout):
            one, heard = peers[fd]
            data = one.recv(4096)
            if b"READY" not in heard and b"READY" in heard + data:
                one.sendall(QUESTION)
            heard += data
            if not data or heard.endswith(ANSWER):
                answered += bool(data)
                waiting -= 1
                poller.unregister(fd)

    say("ready")
    sys.stdin.readline()
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port), timeout=30)
        one.sendall(HELLO)
        peers[one.fileno()] = one, bytearray()
        poller.register(one, select.EPOLLIN)
        waiting += 1
        hear(0)
    while waiting and poller.poll(30):
        hear(0)
    say({"answered": answered, "at": time.monotonic()})
    sys.stdin.readline()


def stop(port):
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.sendall(HELLO)
        heard = b""
        while b"READY" not in heard:
            heard += one.recv(4096)
        one.sendall(b"\0\x04stop")
        while one.recv(4096):
            pass


def round_of(library, connections):
    """Run one ROUTER and the processes that connect to it. Return ``(replies, connections per
    second, CPU time per connection in us, descriptors)``."""
    share = [connections // CLIENTS + (n < connections % CLIENTS) for n in range(CLIENTS)]
    with Process("reliability.load", "serve", library, ZLINK_ENGINE="hub") as server:
        port = int(server.hear().rpartition(":")[2])
        crowds = [Process("reliability.load", "crowd", port, count) for count in share]
        for one in crowds:
            one.hear()
        began = time.monotonic()
        for one in crowds:
            one.tell("go")
        told = [one.hear() for one in crowds]
        stop(port)
        used = server.hear()
        for one in crowds:
            one.tell("end")
            with one:
                pass
    seconds = max(each["at"] for each in told) - began
    answered = sum(each["answered"] for each in told)
    return answered, connections / seconds, used["cpu_s"] / connections * 1e6, used["descriptors"]


def run(connections, rounds):
    """Run rounds of both libraries in turn, and return the results.

    Raises
    ------
    AssertionError
        A connection got no reply.
    """
    connections = min(connections, raise_descriptor_limit(connections + SPARE) - SPARE)
    rates, costs, held = {}, {}, 0
    for _ in range(rounds):
        for library in ("zlinkcompat", "zmq"):
            answered, rate, cost, descriptors = round_of(library, connections)
            assert answered == connections, f"{library}: {connections - answered} got no answer"
            if library == "zlinkcompat":
                held = max(held, descriptors)
            rates.setdefault(library, []).append(round(rate))
            costs.setdefault(library, []).append(round(cost))
    found = {
        "connections": connections,
        "processes": CLIENTS,
        "descriptors": held,
        "lost": 0,
        "accepted_per_s": rates,
        "cpu_us_per_connection": costs,
    }
    found["ratio"] = round(
        statistics.median(rates["zlinkcompat"]) / statistics.median(rates["zmq"]), 2
    )
    return found


if __name__ == "__main__":
    {"serve": serve, "crowd": lambda port, count: crowd(int(port), int(count))}[sys.argv[1]](
        *sys.argv[2:]
    )

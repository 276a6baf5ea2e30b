"""Resident memory of a ROUTER per idle connection.

The connections come from plain sockets that speak just enough ZMTP, so that every library has the
same peers.
"""

import gc
import os
import resource
import socket
import sys
from urllib.parse import urlsplit

from bench.control import hear, tell

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
READY_BODY = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
READY = bytes((4, len(READY_BODY))) + READY_BODY
HELLO = b"\x00\x01x"  # a message of one byte (RFC 23)


def raise_file_limit(files):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < files:
        if hard != resource.RLIM_INFINITY and hard < files:
            raise RuntimeError(f"needs {files} open files, and the hard limit is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def resident():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serve(router, peers):
    """Hear from one peer, look, hear from all the others, look again."""
    router.recv_multipart()
    before = resident()
    tell(ready=True)
    for _ in range(peers - 1):
        router.recv_multipart()
    return {"received": peers, "bytes": (resident() - before) / (peers - 1)}


def read(connection, size):
    data = connection.recv(size, socket.MSG_WAITALL)
    if len(data) < size:
        raise ConnectionError("the ROUTER closed the connection")
    return data


def crowd(endpoint, peers):
    """Connect ``peers`` times, the first alone, and stay until told to go."""
    raise_file_limit(peers + 100)
    at = urlsplit(endpoint)
    connections = []
    for number in range(peers):
        connection = socket.create_connection((at.hostname, at.port))
        connection.sendall(GREETING + READY)
        # libzmq takes whatever comes before its own READY for a part of the handshake.
        read(connection, len(GREETING))
        read(connection, read(connection, 2)[1])
        connection.sendall(HELLO)
        connections.append(connection)
        if number == 0:
            hear()
    tell(result={"sent": peers})
    sys.stdin.read()  # until the run closes it

"""Resident memory of a ROUTER per idle connection.

The connections come from plain sockets that speak just enough ZMTP, so that every library has the
same peers.
"""

import gc
import os
import socket as plain
from urllib.parse import urlsplit

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
READY_BODY = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
READY = bytes((4, len(READY_BODY))) + READY_BODY
HELLO = b"\x00\x01x"  # a message of one byte (RFC 23)


def resident():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def server(end):
    """Receive from the first peer, measure, receive from the other peers, and measure again."""
    socket, endpoint = end.bound(1)
    end.announce(endpoint=endpoint)
    peers = end.case.size
    await socket.recv_multipart()
    before = resident()
    end.announce(ready=True)
    for _ in range(peers - 1):
        await socket.recv_multipart()
    result = {"received": peers, "bytes": (resident() - before) / (peers - 1)}
    end.announce(measured=True)
    end.close(socket)
    return result


async def peers(end):
    """Make the first connection, then the others, and keep them until the server has measured."""
    at = urlsplit(await end.wait_for("endpoint"))
    connections = []
    for number in range(end.case.size):
        connection = plain.create_connection((at.hostname, at.port))
        connection.sendall(GREETING + READY)
        # libzmq treats everything before its own READY as part of the handshake.
        read(connection, len(GREETING))
        read(connection, read(connection, 2)[1])
        connection.sendall(HELLO)
        connections.append(connection)
        if number == 0:
            await end.wait_for("ready")
    await end.wait_for("measured")
    for connection in connections:
        connection.close()
    return {"sent": len(connections)}


def read(connection, size):
    data = connection.recv(size, plain.MSG_WAITALL)
    if len(data) < size:
        raise ConnectionError("the ROUTER closed the connection")
    return data

"""Send a file in chunks, and only as many at a time as the receiver has asked for (credit).

The receiver asks for CREDIT chunks ahead, so neither side holds more than that.

    python file_transfer.py
"""

import hashlib
import os
import tempfile
import threading

import zmq

CHUNK = 50_000  # bytes
CREDIT = 8  # chunks
SIZE = 3_210_987  # bytes


def server(socket, path):
    with open(path, "rb") as file:
        while True:
            client, command, *offset = socket.recv_multipart()
            if command == b"done":
                return
            file.seek(int(offset[0]))
            socket.send_multipart([client, file.read(CHUNK)], copy=False)


def receive(socket):
    digest, size, asked, credit = hashlib.sha256(), 0, 0, CREDIT
    while True:
        while credit:
            socket.send_multipart([b"fetch", str(asked).encode()])
            asked += CHUNK
            credit -= 1
        chunk = socket.recv(copy=False)
        credit += 1
        digest.update(chunk.buffer)
        size += len(chunk)
        if len(chunk) < CHUNK:
            socket.send(b"done")
            return size, digest.hexdigest()


def main():
    content = bytes(range(256)) * (SIZE // 256 + 1)
    content = content[:SIZE]
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(content)
    context = zmq.Context()
    router, dealer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    router.sndhwm = dealer.rcvhwm = 2 * CREDIT  # a ROUTER drops messages that do not fit
    router.bind("tcp://127.0.0.1:*")
    dealer.connect(router.last_endpoint)
    thread = threading.Thread(target=server, args=(router, file.name))
    thread.start()
    size, digest = receive(dealer)
    thread.join()
    os.unlink(file.name)
    context.destroy(linger=0)
    print(size, "bytes", "as sent" if digest == hashlib.sha256(content).hexdigest() else "differ")


if __name__ == "__main__":
    main()

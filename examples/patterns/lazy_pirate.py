"""Limit how long a client waits: poll, close, reconnect and ask again (Lazy Pirate).

The server leaves two requests without an answer.

    python lazy_pirate.py
"""

import threading

import zmq

TIMEOUT = 700  # ms
SILENT_FOR = {2, 3}  # of the requests that the server sees


def server(socket):
    seen = 0
    while True:
        # A ROUTER, because a REP would have to answer before it may receive again.
        client, empty, request = socket.recv_multipart()
        seen += 1
        if seen not in SILENT_FOR:
            socket.send_multipart([client, empty, b"re: " + request])
        if request == b"stop":
            break


def connect(context, endpoint):
    socket = context.socket(zmq.REQ)
    socket.linger = 0
    socket.connect(endpoint)
    return socket


def main():
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.bind("tcp://127.0.0.1:*")
    endpoint = router.last_endpoint.decode()
    thread = threading.Thread(target=server, args=(router,))
    thread.start()
    client = connect(context, endpoint)
    for request in ("one", "two", "three", "stop"):
        client.send_string(request)
        while not client.poll(TIMEOUT):
            print("no answer to", request, "- reconnecting")
            client.close()
            client = connect(context, endpoint)
            client.send_string(request)
        print(client.recv_string())
    thread.join()
    client.close()
    router.close()
    context.term()


if __name__ == "__main__":
    main()

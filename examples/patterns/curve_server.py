"""Run an encrypted server (CURVE) whose authenticator lets in one of two clients.

Run it:

    python curve_server.py
"""

import os
import tempfile

import zmq
from zmq.auth import create_certificates, load_certificate
from zmq.auth.thread import ThreadAuthenticator


def connect(context, endpoint, server_key, keys):
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.curve_serverkey = server_key
    socket.curve_publickey, socket.curve_secretkey = keys
    socket.connect(endpoint)
    return socket


def main():
    context = zmq.Context()
    with tempfile.TemporaryDirectory() as folder:
        allowed = os.path.join(folder, "allowed")
        os.mkdir(allowed)
        create_certificates(allowed, "friend")
        friend = load_certificate(os.path.join(allowed, "friend.key_secret"))
        authenticator = ThreadAuthenticator(context)
        authenticator.start()
        authenticator.configure_curve(domain="*", location=allowed)
        server = context.socket(zmq.ROUTER)
        public, server.curve_secretkey = zmq.curve_keypair()
        server.curve_server = True
        server.bind("tcp://127.0.0.1:*")
        stranger = connect(context, server.last_endpoint, public, zmq.curve_keypair())
        stranger.send(b"let me in")
        client = connect(context, server.last_endpoint, public, friend)
        client.send(b"from a friend")
        name, message = server.recv_multipart()
        print(message.decode())
        server.send_multipart([name, b"welcome"])
        print(client.recv().decode())
        print("from a stranger:", server.poll(300))
        authenticator.stop()
        for socket in (stranger, client, server):
            socket.close()
    context.term()


if __name__ == "__main__":
    main()

"""Check the echo server of an eventloop example with a DEALER: ``client.py ENDPOINT COUNT``."""

import sys

import zmq

context = zmq.Context()
dealer = context.socket(zmq.DEALER)
dealer.linger = 0
dealer.rcvtimeo = 20_000
dealer.connect(sys.argv[1])
for number in range(int(sys.argv[2])):
    message = [b"echo", str(number).encode()]
    dealer.send_multipart(message)
    assert dealer.recv_multipart() == message
print("echoed", sys.argv[2])
context.destroy()

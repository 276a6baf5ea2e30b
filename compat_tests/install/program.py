"""Use tcp, CURVE keys and counterparts of pyzmq's modules; print which build this runs on."""

import zlinkcompat as zmq
import zlinkcompat.asyncio
import zlinkcompat.devices
import zlinkcompat.utils.monitor
from zlinkcompat.debug import build_info


def main():
    with zmq.Context() as context, context.socket(zmq.REP) as rep, context.socket(zmq.REQ) as req:
        rep.bind("tcp://127.0.0.1:*")
        req.connect(rep.last_endpoint.decode())
        req.send(b"hello")
        rep.send(rep.recv().upper())
        print(req.recv().decode(), len(zmq.curve_keypair()[0]), end=" ")
    build = build_info()
    print("compiled" if build["compiled"] is True else "pure", len(build["modules"]))


if __name__ == "__main__":
    main()

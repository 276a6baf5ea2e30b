"""Watch the connections of a socket in a thread of its own (socket monitor).

Run it:

    python monitor_thread.py
"""

import threading

import zmq
from zmq.utils.monitor import recv_monitor_message

SHOWN = (
    zmq.EVENT_LISTENING,
    zmq.EVENT_ACCEPTED,
    zmq.EVENT_HANDSHAKE_SUCCEEDED,
    zmq.EVENT_DISCONNECTED,
    zmq.EVENT_MONITOR_STOPPED,
)


def watch(monitor, seen):
    with monitor:
        while True:
            event = zmq.Event(recv_monitor_message(monitor)["event"])
            if event in SHOWN:
                print(event.name)
                seen[event].set()
            if event == zmq.EVENT_MONITOR_STOPPED:
                return


def main():
    context = zmq.Context()
    server = context.socket(zmq.REP)
    seen = {event: threading.Event() for event in SHOWN}
    thread = threading.Thread(target=watch, args=(server.get_monitor_socket(), seen))
    thread.start()
    server.bind("tcp://127.0.0.1:*")
    with context.socket(zmq.REQ) as client:
        client.connect(server.last_endpoint)
        client.send(b"hello")
        seen[zmq.EVENT_HANDSHAKE_SUCCEEDED].wait()  # that thread prints as well
        print(server.recv())
        server.send(b"world")
        print(client.recv())
    seen[zmq.EVENT_DISCONNECTED].wait()
    server.disable_monitor()
    thread.join()
    server.close()
    context.term()


if __name__ == "__main__":
    main()

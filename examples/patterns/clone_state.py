"""Replicate the state of a server: a snapshot on request, then updates by PUB (Clone).

Updates carry a sequence number, so a replica skips those that its snapshot contains.

    python clone_state.py
"""

import threading

import zmq

UPDATES = 300


def server(snapshots, updates, collector):
    state, sequence = {}, 0
    poller = zmq.Poller()
    poller.register(snapshots, zmq.POLLIN)
    poller.register(collector, zmq.POLLIN)
    while True:
        ready = dict(poller.poll())
        if collector in ready:
            update = collector.recv_json()
            if update is None:
                return
            sequence += 1
            key, value = update
            state[key] = value
            updates.send_json([sequence, key, value])
        if snapshots in ready:
            client, _ = snapshots.recv_multipart()
            snapshots.send(client, zmq.SNDMORE)
            snapshots.send_json([sequence, state])


def replica(context, snapshots_at, updates_at, may_ask, result):
    with context.socket(zmq.SUB) as updates, context.socket(zmq.DEALER) as snapshots:
        updates.subscribe(b"")
        updates.connect(updates_at)
        may_ask.wait()  # until the publisher has the subscription, so that no update is missed
        snapshots.connect(snapshots_at)
        snapshots.send(b"snapshot?")
        sequence, state = snapshots.recv_json()
        while sequence < UPDATES:
            number, key, value = updates.recv_json()
            if number > sequence:
                assert number == sequence + 1
                sequence = number
                state[key] = value
        result.update(state)


def main():
    context = zmq.Context()
    snapshots, updates = context.socket(zmq.ROUTER), context.socket(zmq.XPUB)
    collector, source = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    snapshots.bind("tcp://127.0.0.1:*")
    updates.bind("tcp://127.0.0.1:*")
    updates.xpub_verbose = True
    collector.bind("inproc://collector")
    source.connect("inproc://collector")
    ends = snapshots.last_endpoint, updates.last_endpoint
    may_ask, results = threading.Event(), [{}, {}]
    replicas = [
        threading.Thread(target=replica, args=(context, *ends, may_ask, result))
        for result in results
    ]
    for thread in replicas:
        thread.start()
    for _ in replicas:
        updates.recv()  # the subscription
    serving = threading.Thread(target=server, args=(snapshots, updates, collector))
    serving.start()
    for number in range(UPDATES):
        source.send_json([f"key {number % 50}", number])
        if number == UPDATES // 3:
            may_ask.set()
    for thread in replicas:
        thread.join()
    source.send_json(None)
    serving.join()
    for socket in (snapshots, updates, collector, source):
        socket.close(linger=0)
    context.term()
    for result in results:
        print(len(result), "keys, their sum:", sum(result.values()))


if __name__ == "__main__":
    main()

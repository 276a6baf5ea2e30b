"""Run an asyncio server, and ask it from an ordinary thread with blocking sockets.

Run it:

    python asyncio_server.py
"""

import asyncio
import threading

import zmq
import zmq.asyncio

REQUESTS = 50


def client(endpoint, answers):
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.connect(endpoint)
        for number in range(REQUESTS):
            socket.send_json({"number": number})
            answers.append(socket.recv_json()["double"])


async def serve(socket):
    while True:
        request = await socket.recv_json()
        await asyncio.sleep(0)  # let other tasks run
        await socket.send_json({"double": 2 * request["number"]})


async def main():
    context = zmq.asyncio.Context()
    socket = context.socket(zmq.REP)
    socket.bind("tcp://127.0.0.1:*")
    serving = asyncio.create_task(serve(socket))
    answers = []
    thread = threading.Thread(target=client, args=(socket.last_endpoint, answers))
    thread.start()
    while len(answers) < REQUESTS:
        await asyncio.sleep(0.01)
    serving.cancel()
    await asyncio.wait([serving])
    thread.join()
    socket.close()
    context.term()
    print(len(answers), "answers, their sum:", sum(answers))


if __name__ == "__main__":
    asyncio.run(main())

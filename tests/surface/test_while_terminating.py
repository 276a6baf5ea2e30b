"""While another thread is in ``term()``, a socket works until it learns of this, as in libzmq.

A socket learns of the termination when it processes its commands.
"""

from pathlib import Path

import pytest

PROGRAM = (Path(__file__).parent / "processes" / "while_terminating.py").read_text()


@pytest.fixture(scope="module")
def of_libzmq():
    """Return a cache of libzmq's output by socket type, so that each program runs only once."""
    return {}


@pytest.mark.parametrize(
    "engine, patch",
    [("hub", False), ("hub", True), ("thread", False)],
    ids=["hub", "patched", "thread"],
)
@pytest.mark.parametrize(
    "kind", ["DEALER", "PULL", "SUB", "ROUTER", "REP", "XPUB", "PAIR", "PUB", "PUSH", "REQ", "XSUB"]
)
def test_every_call_behaves_as_on_libzmq(kind, engine, patch, program, of_libzmq):
    if kind not in of_libzmq:
        of_libzmq[kind] = program(PROGRAM, kind, library="zmq").ends()
    assert of_libzmq[kind].count("\n") > 30
    assert program(PROGRAM, kind, patch=patch, engine=engine).ends() == of_libzmq[kind]


@pytest.mark.parametrize("engine", ["hub", "thread"])
def test_usual_end_of_a_service_thread(engine, program):
    """A thread that sets LINGER and closes its socket during term() ends as usual.

    If setting the option raised, the thread would not reach close(), and term() would wait forever.
    """
    one = program(
        """
        import threading
        context = zmq.Context()
        bound, terminating = threading.Event(), threading.Event()

        def serve():
            sock = context.socket(zmq.PUB)
            sock.bind("tcp://127.0.0.1:*")
            bound.set()
            terminating.wait()
            sock.setsockopt(zmq.LINGER, 1)
            sock.close()

        def look():
            while not context.core.terminating:
                pass
            terminating.set()

        for function in (serve, look):
            threading.Thread(target=function).start()
        bound.wait()
        context.term()
        say("terminated")
    """,
        engine=engine,
    )
    assert one.ends() == "terminated\n"


def test_open_sockets_know_of_the_end_once_new_ones_are_refused(program):
    """Once term() refuses new sockets, every open socket knows of the termination.

    There are 900 sockets, so that term() takes a while to notify all of them.
    """
    source = """
        import threading
        sys.setswitchinterval(1e-6)
        late = 0
        for _ in range(20):
            context = zmq.Context()
            socks = [context.socket(zmq.PULL) for _ in range(900)]
            thread = threading.Thread(target=context.term)
            thread.start()
            while True:
                try:
                    context.socket(zmq.PAIR).close()
                except zmq.ZMQError as error:
                    if error.errno == zmq.ETERM:
                        break
            for sock in socks:
                try:
                    sock.recv(zmq.NOBLOCK)
                except zmq.ZMQError as error:
                    late += error.errno != zmq.ETERM
                sock.close(0)
            thread.join()
        say(late)
    """
    assert program(source, engine="thread").ends() == "0\n"

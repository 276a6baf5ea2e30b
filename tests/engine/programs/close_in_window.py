"""End a socket just before another thread, in a call of this socket, registers that it sleeps.

The arguments are the call that waits, how the socket ends, and at which step of the call it ends.
The program prints how the call ended. The test's prelude defines ``zmq``, ``sys`` and ``say``.
"""

import threading

import zlinkcompat.engine.waker as waker_module

waits, ends, step = sys.argv[1], sys.argv[2], int(sys.argv[3])  # noqa: F821

reached, ended = threading.Event(), threading.Event()
steps = []


def pause(function):
    """Wrap ``function`` so that call number ``step`` of the waiting thread first waits.

    It waits until the socket has ended.
    """

    def paused(*args):
        if threading.current_thread().name == "waits" and not reached.is_set():
            steps.append(None)
            if len(steps) == step:
                reached.set()
                ended.wait(10)
        return function(*args)

    return paused


for name in ("is_module_patched", "get_hub"):
    setattr(waker_module, name, pause(getattr(waker_module, name)))

context = zmq.Context()  # noqa: F821
sock = context.socket(zmq.DEALER)  # noqa: F821
result = []


def wait():
    try:
        if waits == "recv":
            sock.recv()
        elif waits == "send":
            sock.send(b"nobody is there")
        elif waits == "poll":
            sock.poll()
        else:
            zmq.proxy(sock, sock)  # noqa: F821
    except zmq.ZMQError as error:  # noqa: F821
        result.append(int(error.errno))
        sock.close()


thread = threading.Thread(target=wait, name="waits", daemon=True)
thread.start()
reached.wait(0.5)  # the call may have fewer steps
if ends == "close":
    sock.close()
else:
    terminating = threading.Thread(target=context.term, daemon=True)
    terminating.start()
    while not context.core.terminating:
        pass
    # Wait until the command was posted.
    while not sock.core.mailbox.pending and not sock.core.dead and not sock.core.closed:
        pass
ended.set()
thread.join(10)
say("asleep" if thread.is_alive() else result)  # noqa: F821
if not thread.is_alive():
    context.term()

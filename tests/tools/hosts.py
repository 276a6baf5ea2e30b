"""Simulate several hosts on one machine: network namespaces, and programs that run in them."""

import subprocess

#: The start of each program. It moves the program to the host named by the first argument; two more
#: arguments are the heartbeat options of its sockets, in ms.
HEAD = """
import ctypes, json
# After setns(2), sockets that this program opens belong to that host.
if ctypes.CDLL(None, use_errno=True).setns(os.open("/run/netns/" + sys.argv[1], os.O_RDONLY), 0):
    raise OSError(ctypes.get_errno(), "setns")

context = zmq.Context()

def make(kind, **options):
    sock = context.socket(kind)
    sock.linger = 0
    sock.reconnect_ivl = 50
    sock.rcvtimeo = sock.sndtimeo = 200
    sock.heartbeat_ivl, sock.heartbeat_timeout = int(sys.argv[2]), int(sys.argv[3])
    for name, value in options.items():
        setattr(sock, name, value)
    return sock

def until(monitor, event):
    # Return the seconds until the event arrives.
    began = time.monotonic()
    while time.monotonic() < began + 30:
        if monitor.poll(200):
            head, _ = monitor.recv_multipart()
            if int.from_bytes(head[:2], "little") == event:
                return time.monotonic() - began
    raise SystemExit("no event %d" % event)

def command():
    return json.loads(sys.stdin.readline())
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)

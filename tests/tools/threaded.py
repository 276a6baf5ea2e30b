"""The source with which programs that test the thread engine begin."""

HELPERS = """
import gc, signal, socket, threading, warnings
warnings.simplefilter("ignore", ResourceWarning)
# Python 3.12 warns of a fork beside I/O threads.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
def pair(context, one, other, endpoint="tcp://127.0.0.1:*"):
    a, b = context.socket(one), context.socket(other)
    for sock in (a, b):
        sock.rcvtimeo = sock.sndtimeo = 30_000
    a.bind(endpoint)
    b.connect(a.last_endpoint)
    return a, b
def start(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread
def descriptors():
    return len(os.listdir("/proc/self/fd"))
def tasks():
    return len(os.listdir("/proc/self/task"))
"""

"""A library under test by its module name, and how its programs wait and run two things at once."""

import importlib
import os
import threading
import time
import traceback

GREEN = ("zmq.green", "zlinkcompat")


def load(name):
    return importlib.import_module(name)


def is_green(name):
    """Whether it waits in gevent's hub, so that the other end in a process is a greenlet."""
    return any(name == each or name.startswith(f"{each}.") for each in GREEN)


def spawn(name, function, *args):
    """Start ``function`` beside this, as a greenlet or a thread.

    Returns
    -------
    callable
        Waits for its end. An error in it ends the process, as nobody would answer any more.
    """

    def run():
        try:
            function(*args)
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    if is_green(name):
        import gevent

        return gevent.spawn(run).join
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread.join


def sleep(name, seconds):
    if is_green(name):
        import gevent

        gevent.sleep(seconds)
    else:
        time.sleep(seconds)

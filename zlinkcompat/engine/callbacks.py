"""Calls into a hub's thread from any thread."""

from collections import deque

from zlinkcompat.engine import interrupts


class Bell:
    """Calls functions in a hub's thread, from any thread and in order.

    Not gevent's ``run_callback_threadsafe``: that one adds to the loop's count of references under
    the interpreter's lock, while the loop changes it without. Now and then one is lost, and in the
    end the loop ends in ``LoopExit`` though greenlets wait for their timers.
    """

    def __init__(self, hub):
        self.hub = hub
        self.calls = deque()
        self.watcher = hub.loop.async_(ref=False)
        self.watcher.start(interrupts.call_guarded, hub, self.on_signal)

    def call(self, function, *args):
        """Call ``function(*args)`` at the hub's next turn."""
        self.calls.append((function, args))
        self.watcher.send()

    def on_signal(self):
        while self.calls:
            function, args = self.calls.popleft()
            interrupts.call_guarded(self.hub, function, args)

    def close(self):
        self.watcher.stop()
        self.watcher.close()


def bell_of(hub):
    """The :class:`Bell` of ``hub``, which has to be the current thread's: made at first use."""
    try:
        return hub.zlinkcompat_bell
    except AttributeError:
        hub.zlinkcompat_bell = bell = Bell(hub)
        return bell

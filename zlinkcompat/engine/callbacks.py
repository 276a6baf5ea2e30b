"""Call functions in a hub's thread from any thread."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from zlinkcompat.engine import interrupts

if TYPE_CHECKING:
    from collections.abc import Callable


class ThreadsafeCallbacks:
    """Calls functions in a hub's thread, from any thread and in order.

    This does not use gevent's ``run_callback_threadsafe``, which changes the loop's reference count
    with the GIL held. The loop changes the same count without the GIL, so updates can get lost.
    After enough lost updates the loop ends with ``LoopExit`` although greenlets wait for timers.
    """

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self.calls: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self.watcher = hub.loop.async_(ref=False)
        self.watcher.start(interrupts.call_guarded, hub, self.on_signal)

    def call(self, function: Callable[..., Any], *args: Any) -> None:
        """Call ``function(*args)`` at the next iteration of the hub's loop."""
        self.calls.append((function, args))
        self.watcher.send()

    def on_signal(self) -> None:
        while self.calls:
            function, args = self.calls.popleft()
            interrupts.call_guarded(self.hub, function, args)

    def close(self) -> None:
        self.watcher.stop()
        self.watcher.close()


def threadsafe_callbacks(hub: Any) -> ThreadsafeCallbacks:
    """Return the :class:`ThreadsafeCallbacks` of ``hub``, and create it on first use.

    ``hub`` must be the hub of the current thread."""
    try:
        return hub.zlinkcompat_callbacks
    except AttributeError:
        interrupts.protect_hub(hub)
        hub.zlinkcompat_callbacks = callbacks = ThreadsafeCallbacks(hub)
        return callbacks

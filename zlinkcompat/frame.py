"""Frame and MessageTracker of the swapped import."""

import zmq
from zmq.sugar.attrsettr import AttributeSetter

from zlinkcompat import base
from zlinkcompat.borrow import borrow


class Frame(base.Frame, AttributeSetter):
    """One frame of a message, with its properties: pyzmq's ``zmq.Frame``. See the base class."""

    borrow(locals(), zmq.sugar.frame.Frame, "__getitem__ group routing_id")

    def __repr__(self):
        # What is shown of a message does not change with the import.
        text = zmq.sugar.frame.Frame.__repr__(self)
        return text.replace(f"<{__name__}.", "<zmq.", 1)


Message = Frame


class TrackerType(type):
    """pyzmq's own trackers, which the core makes, are instances of ours, too."""

    def __instancecheck__(cls, instance):
        return isinstance(instance, zmq.MessageTracker)


class MessageTracker(zmq.MessageTracker, metaclass=TrackerType):
    """Tells when the engine is done with buffers; also takes our Frames. See pyzmq's."""

    def __init__(self, *towatch):
        plain = []
        for thing in towatch:
            if isinstance(thing, base.Frame):
                if not thing.tracker:
                    raise ValueError("Not a tracked message")
                thing = thing.tracker
            plain.append(thing)
        super().__init__(*plain)

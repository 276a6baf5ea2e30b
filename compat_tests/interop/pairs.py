"""Every valid socket pair and the way its messages go (RFC 28 to 31 and zmq_socket(3))."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """One row of the matrix.

    Parameters
    ----------
    left, right : str
        Socket types. Messages go first from `left` to `right`.
    flow : str
        ``"oneway"``, ``"bothways"`` (independent messages in each direction), ``"request"``
        (`right` answers each message with its copy) or ``"routed"`` (as ``"bothways"``, with the
        peer's routing id in front).
    envelope : int, parts
        Parts that `right` sees before the message itself, and sends back as they are.
    delimiter : bool
        `left` itself puts an empty part in front of what it sends, and takes it off an answer.
    """

    left: str
    right: str
    flow: str
    envelope: int = 0
    delimiter: bool = False

    @property
    def name(self):
        return f"{self.left}-{self.right}"


PAIRS = (
    Pair("PAIR", "PAIR", "bothways"),
    Pair("PUB", "SUB", "oneway"),
    Pair("PUB", "XSUB", "oneway"),
    Pair("XPUB", "SUB", "oneway"),
    Pair("XPUB", "XSUB", "bothways"),
    Pair("REQ", "REP", "request"),
    Pair("REQ", "ROUTER", "request", envelope=2),
    Pair("DEALER", "REP", "request", delimiter=True),
    Pair("DEALER", "ROUTER", "request", envelope=1),
    Pair("DEALER", "DEALER", "bothways"),
    Pair("ROUTER", "ROUTER", "routed"),
    Pair("PUSH", "PULL", "oneway"),
)
PUBLISHING = tuple(p for p in PAIRS if p.left in ("PUB", "XPUB"))


def placements(pair, reference, ours):
    """(library of left, library of right, who binds) for one pair, without repetitions."""
    if pair.left == pair.right:
        return [(reference, ours, "left"), (reference, ours, "right")]
    return [
        (left, right, binder)
        for left, right in ((reference, ours), (ours, reference))
        for binder in ("left", "right")
    ]

"""Every valid socket pair and the flow of its messages (RFC 28 to 31 and zmq_socket(3))."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """One row of the matrix.

    Parameters
    ----------
    left, right : str
        Socket types. The first message goes from `left` to `right`.
    flow : str
        ``"oneway"``, ``"bothways"`` (independent messages in each direction), ``"request"``
        (`right` answers each message with a copy) or ``"routed"`` (like ``"bothways"``, but each
        message begins with the peer's routing id).
    envelope : int
        Number of parts that `right` receives before the message itself; it sends them back
        unchanged.
    delimiter : bool
        Whether `left` has to send an empty part before each message, and gets one before each
        answer.
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
SERVER_KEYS = (
    "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
)
CLIENT_KEYS = (
    "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
    "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
)

#: Maps a mechanism to the options of both sides, and to what the server's authenticator accepts: a
#: password, or any key.
MECHANISMS = {
    "plain": {
        "server": {"plain_server": 1},
        "client": {"plain_username": "user", "plain_password": "password"},
        "password": "password",
    },
    "curve": {
        "server": {"curve_server": 1, "curve_secretkey": SERVER_KEYS[1]},
        "client": {
            "curve_publickey": CLIENT_KEYS[0],
            "curve_secretkey": CLIENT_KEYS[1],
            "curve_serverkey": SERVER_KEYS[0],
        },
        "password": None,
    },
}
PUBLISHING = tuple(p for p in PAIRS if p.left in ("PUB", "XPUB"))


def placements(pair, reference, ours):
    """Return the cases of one pair as (library of left, library of right, binding end)."""
    if pair.left == pair.right:
        return [(reference, ours, "left"), (reference, ours, "right")]
    return [
        (left, right, binder)
        for left, right in ((reference, ours), (ours, reference))
        for binder in ("left", "right")
    ]

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
SERVER_KEYS = (
    "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
)
CLIENT_KEYS = (
    "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
    "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
)

#: Options of both sides, and what the server's authenticator knows: a password, or any key.
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
    """List (library of left, library of right, binding end) for one pair, each once."""
    if pair.left == pair.right:
        return [(reference, ours, "left"), (reference, ours, "right")]
    return [
        (left, right, binder)
        for left, right in ((reference, ours), (ours, reference))
        for binder in ("left", "right")
    ]

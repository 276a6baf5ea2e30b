"""The twelve socket types, and which of them cannot send or receive."""

KINDS = (
    "PAIR",
    "PUB",
    "SUB",
    "XPUB",
    "XSUB",
    "REQ",
    "REP",
    "DEALER",
    "ROUTER",
    "PUSH",
    "PULL",
    "STREAM",
)
CANNOT_SEND = ("SUB", "PULL")
CANNOT_RECEIVE = ("PUB", "PUSH")

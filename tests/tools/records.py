"""Make records with chosen numbers, for tests of code that renders a snapshot."""

from dataclasses import fields

from zlinkcompat.debug.records import PeerRecord, ProcessRecord, SocketRecord

EMPTY = {"int": 0, "int | None": 0, "float": 0.0, "str": "", "bytes": b"", "dict[str, int]": {}}


def made(cls, values):
    """Return a record with these ``values``; all other fields are empty."""
    empty = {field.name: EMPTY.get(field.type, ()) for field in fields(cls)}
    return cls(**{**empty, **values})


def peer(**values):
    return made(PeerRecord, values)


def sock(**values):
    return made(SocketRecord, {"name": "PUB", "type": "PUB", "engine": "hub", **values})


def process(*sockets, **values):
    return made(ProcessRecord, {"pid": 7, "sockets": sockets, **values})

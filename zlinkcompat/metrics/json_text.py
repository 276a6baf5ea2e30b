"""Records as JSON text, for scripts and for the control socket."""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

from zlinkcompat.debug.records import PeerRecord, ProcessRecord, SocketRecord
from zlinkcompat.metrics.definitions import routing_id_text

#: The version of the format. Fields may be added without a new version.
FORMAT = 1

Record = TypeVar("Record", PeerRecord, SocketRecord, ProcessRecord)

ZEROS: dict[str, Any] = {
    "int": 0,
    "int | None": None,
    "float": 0.0,
    "str": "",
    "bytes": b"",
    "dict[str, int]": {},
}


def dump_process(process: ProcessRecord) -> str:
    """Return a record as JSON: an object with the fields of :class:`ProcessRecord`.

    A routing id is text: itself if it is printable ASCII, else ``0x`` and hexadecimal digits.
    """
    return json.dumps(
        {
            "format": FORMAT,
            **vars(process),
            "sockets": [socket_data(socket) for socket in process.sockets],
            "ended": [socket_data(socket) for socket in process.ended],
        }
    )


def socket_data(socket: SocketRecord) -> dict[str, Any]:
    """Return the data of a socket."""
    peers = [
        {**vars(peer), "routing_id": routing_id_text(peer.routing_id)} for peer in socket.peers
    ]
    return {**vars(socket), "peers": peers}


def load_process(text: str) -> ProcessRecord:
    """Return the record of a JSON text. Unknown fields are ignored, missing ones are empty.

    ValueError: the text is not such a record, or has another format.
    """
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError("the answer has another format: use the same version of zlinkcompat")
    for name in ("sockets", "ended"):
        data[name] = tuple(load_socket(each) for each in data.get(name, ()))
    return known(ProcessRecord, data)


def load_socket(data: dict[str, Any]) -> SocketRecord:
    """Return the record of a socket's data."""
    peers = tuple(load_peer(each) for each in data.get("peers", ()))
    return known(
        SocketRecord, {**data, "endpoints": tuple(data.get("endpoints", ())), "peers": peers}
    )


def load_peer(data: dict[str, Any]) -> PeerRecord:
    """Return the record of a peer's data."""
    text = data.get("routing_id", "")
    routing_id = bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()
    return known(PeerRecord, {**data, "routing_id": routing_id})


def known(cls: type[Record], data: dict[str, Any]) -> Record:
    """Return a record with those values of ``data`` that it has a field for."""
    return cls(**{field.name: data.get(field.name, empty(field)) for field in fields(cls)})


def empty(field: Field[Any]) -> Any:
    """Return the value of a field that an older version does not send."""
    return ZEROS.get(str(field.type), ()) if field.default is MISSING else field.default

"""Endpoint strings: ``transport://address``.

Source: libzmq ``src/socket_base.cpp`` (``parse_uri``, ``check_protocol``).
"""

from __future__ import annotations

from zlinkcompat.errors import EINVAL, ENOCOMPATPROTO, EPROTONOSUPPORT, zmq_error
from zlinkcompat.transports import SUPPORTED


def parse(text: str) -> tuple[str, str]:
    """Split an endpoint into transport and address.

    Parameters
    ----------
    text : str
        The caller decodes bytes from the user with ``surrogateescape``.

    Returns
    -------
    tuple of str
        Transport and address, neither of them empty. The address is not checked.

    Raises
    ------
    zmq.ZMQError
        EINVAL: the form is wrong. EPROTONOSUPPORT: the transport is unknown. ENOCOMPATPROTO:
        ``udp``, which libzmq supports only for its draft socket types.
    """
    # libzmq takes a C string, which ends at the first zero byte.
    transport, separator, address = text.partition("\0")[0].partition("://")
    if not (separator and transport and address):
        raise zmq_error(EINVAL, f"Invalid argument: endpoint {text!r} is not transport://address")
    if transport == "udp":
        raise zmq_error(
            ENOCOMPATPROTO,
            f"The protocol is not compatible with the socket type: "
            f"{text!r}; udp serves RADIO, DISH and DGRAM only",
        )
    if transport != "inproc" and transport not in SUPPORTED:
        known = ", ".join(sorted(SUPPORTED | {"inproc"}))
        raise zmq_error(
            EPROTONOSUPPORT,
            f"Protocol not supported: {transport!r} in {text!r}; use one of {known}",
        )
    return transport, address

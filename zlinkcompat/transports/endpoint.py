"""Endpoint strings: ``transport://address``.

Source: libzmq ``src/socket_base.cpp`` (``parse_uri``, ``check_protocol``).
"""

from zlinkcompat.errors import EINVAL, ENOCOMPATPROTO, EPROTONOSUPPORT, zmq_error
from zlinkcompat.transports import SUPPORTED


def parse(text):
    """Take an endpoint apart.

    Parameters
    ----------
    text : str
        Bytes from the user are decoded by the caller, with ``surrogateescape``.

    Returns
    -------
    tuple of str
        Transport and address, neither of them empty. The address is not looked at.

    Raises
    ------
    zmq.ZMQError
        EINVAL: not of that form. EPROTONOSUPPORT: no such transport here. ENOCOMPATPROTO: ``udp``,
        which libzmq has, but for the draft socket types only.
    """
    # What reaches libzmq is a C string.
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

"""The public names of ``import zlinkcompat as zmq``: pyzmq's, with our classes in place of its."""

from __future__ import annotations

import zmq
from zmq import *  # noqa: F403
from zmq import __version__ as __version__
from zmq import constants as constants
from zmq import error as error
from zmq import get_library_dirs as get_library_dirs

from zlinkcompat._backend.poll import zmq_poll as zmq_poll
from zlinkcompat._backend.proxies import device as device
from zlinkcompat._backend.proxies import proxy as proxy
from zlinkcompat._backend.proxies import proxy_steerable as proxy_steerable
from zlinkcompat._sugar.context import Context as Context
from zlinkcompat._sugar.frame import Frame as Frame
from zlinkcompat._sugar.frame import Message as Message
from zlinkcompat._sugar.frame import MessageTracker as MessageTracker
from zlinkcompat._sugar.poll import Poller as Poller
from zlinkcompat._sugar.poll import select as select
from zlinkcompat._sugar.socket import Socket as Socket
from zlinkcompat.backend import IPC_PATH_MAX_LEN as IPC_PATH_MAX_LEN
from zlinkcompat.backend import curve_keypair as curve_keypair
from zlinkcompat.backend import curve_public as curve_public
from zlinkcompat.backend import has as has
from zlinkcompat.backend import zmq_errno as zmq_errno
from zlinkcompat.backend import zmq_version_info as zmq_version_info
from zlinkcompat.errors import strerror as strerror

SyncContext: type = Context
SyncSocket: type = Socket
DRAFT_API = False


def zmq_version() -> str:
    """Return the libzmq version whose behaviour this package has.

    .. versionadded:: 0.1

    Returns
    -------
    str
        "4.3.5".
    """
    return "{}.{}.{}".format(*zmq_version_info())


__all__ = sorted(zmq.__all__)  # noqa: PLE0605 - a list, of names that only pyzmq knows

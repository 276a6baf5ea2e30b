"""Flags and thresholds, in one table.

Each is resolved as environment variable over default when it is asked for; nothing is read on the
message path. The performance plan's phases add their feature flags here.
"""

import os


class Setting:
    """One row of the table.

    Parameters
    ----------
    name : str
    default : int
    unit : str
    effect : str
        What it does, for people.
    """

    def __init__(self, name, default, unit, effect):
        self.name = name
        self.variable = "ZLINK_" + name.upper()
        self.default = default
        self.unit = unit
        self.effect = effect


TABLE = (
    Setting("read_buffer", 65536, "bytes", "size of the buffers that connections read into"),
    Setting("zerocopy_threshold", 8192, "bytes",
            "a frame of this size or more is neither copied when sent nor when received"),
    Setting("batch_bytes", 65536, "bytes", "gathered messages are written at this size"),
    Setting("batch_messages", 256, "messages", "gathered messages are written at this number"),
    Setting("batch_time", 100, "microseconds", "gathered messages are written at this age"),
    Setting("tcp_nodelay", 1, "0 or 1",
            "TCP_NODELAY on TCP connections; 0 leaves Nagle's algorithm to hold small writes"),
    Setting("hub_turn_interval", 1000, "microseconds",
            "a greenlet that sends or receives without end lets the hub poll I/O this often"),
    Setting("busy_poll", 50, "microseconds",
            "a receiver polls its connections so long before it sleeps; 0 never polls"),
    Setting("direct_read_peers", 4, "connections",
            "a receiver reads its connections itself while they are no more than this"),
)

_by_name = {setting.name: setting for setting in TABLE}


def get(name):
    """The value of a setting.

    Parameters
    ----------
    name : str
        Of a row of :data:`TABLE`; KeyError for any other.

    Raises
    ------
    ValueError
        The environment variable is not a number of 0 or more.
    """
    setting = _by_name[name]
    text = os.environ.get(setting.variable)
    if text is None:
        return setting.default
    if not text.isascii() or not text.isdigit():
        raise ValueError(
            f"{setting.variable}={text!r}: must be a whole number of {setting.unit}, 0 or more"
        )
    return int(text)

"""This project, uncompiled."""

from .zlink import Zlink


class Library(Zlink):
    name = "zlink-pure"
    order = 12
    environment = {**Zlink.environment, "ZLINKCOMPAT_PURE": "1"}

"""What is running: which modules are compiled, and why not."""

import os
import sys
from importlib import import_module
from pathlib import Path


def compiled_modules():
    """Names of the modules that a full build compiles: those with a ``.pxd`` beside them."""
    root = Path(__file__).parent
    return sorted(
        ".".join(("zlinkcompat", *path.relative_to(root).with_suffix("").parts))
        for path in root.rglob("*.pxd")
    )


def build_info():
    """Tell which build runs.

    Returns
    -------
    dict
        ``compiled``: True if every module of the message path is compiled, False if none is, and
        "partly" for a broken build. ``modules``: module name to True (compiled) or False.
        ``pure``: whether ``ZLINKCOMPAT_PURE`` asks for the uncompiled source. ``version``,
        ``python``.
    """
    from zlinkcompat import __version__

    modules = {}
    for name in compiled_modules():
        modules[name] = not (import_module(name).__file__ or "").endswith(".py")
    kinds = set(modules.values())
    return {
        "compiled": "partly" if len(kinds) > 1 else kinds == {True},
        "modules": modules,
        "pure": os.environ.get("ZLINKCOMPAT_PURE") == "1",
        "version": __version__,
        "python": sys.version.split()[0],
    }

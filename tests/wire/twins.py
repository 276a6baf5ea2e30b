"""Both forms of the frame codec: the one that runs, and where that is the kernel its pure twin."""

import importlib.machinery
import importlib.util
from pathlib import Path

from zlinkcompat.wire import frames


def pure_twin():
    path = Path(frames.__file__).with_name("frames.py")
    loader = importlib.machinery.SourceFileLoader("pure_frames", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("pure_frames", loader))
    loader.exec_module(module)
    return module


PURE = frames if frames.__file__.endswith(".py") else pure_twin()
TWINS = {"pure": PURE} if PURE is frames else {"kernel": frames, "pure": PURE}

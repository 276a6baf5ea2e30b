"""Both forms of the codecs: the ones that run, and where those are kernels their pure twins."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from unittest import mock

from zlinkcompat.wire import curve_codec, frames, mask, zws


def pure_twin(module, **imports):
    """``module`` from its ``.py``; what it imports of the codecs is ``imports``."""
    path = Path(module.__file__).parent / (module.__name__.rpartition(".")[2] + ".py")
    name = "pure_" + path.stem
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    twin = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    replaced = {f"zlinkcompat.wire.{name}": module for name, module in imports.items()}
    with mock.patch.dict(sys.modules, replaced):
        loader.exec_module(twin)
    return twin


def twins(module, pure):
    return {"pure": pure} if pure is module else {"kernel": module, "pure": pure}


COMPILED = not frames.__file__.endswith(".py")
PURE = pure_twin(frames) if COMPILED else frames
PURE_MASK = pure_twin(mask) if COMPILED else mask
PURE_ZWS = pure_twin(zws, frames=PURE, mask=PURE_MASK) if COMPILED else zws
PURE_CURVE = pure_twin(curve_codec, frames=PURE, zws=PURE_ZWS) if COMPILED else curve_codec
TWINS = twins(frames, PURE)
MASKS = twins(mask, PURE_MASK)
ZWS = twins(zws, PURE_ZWS)
CURVE = twins(curve_codec, PURE_CURVE)

"""Both forms of the codecs: the ones that run, and where those are kernels their pure twins."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from unittest import mock

from zlinkcompat.wire.security import curve_codec
from zlinkcompat.wire.ws import frames as ws_frames
from zlinkcompat.wire.ws import mask
from zlinkcompat.wire.zmtp import frames


def pure_twin(module, *imports):
    """Load ``module`` from its ``.py``, with ``imports`` in place of the codecs that it imports."""
    path = Path(module.__file__).parent / (module.__name__.rpartition(".")[2] + ".py")
    name = "pure_" + path.stem
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    twin = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    replaced = {each.original_name: each for each in imports}
    with mock.patch.dict(sys.modules, replaced):
        loader.exec_module(twin)
    twin.original_name = module.__name__
    return twin


def twins(module, pure):
    return {"pure": pure} if pure is module else {"kernel": module, "pure": pure}


COMPILED = not frames.__file__.endswith(".py")
PURE = pure_twin(frames) if COMPILED else frames
PURE_MASK = pure_twin(mask) if COMPILED else mask
PURE_ZWS = pure_twin(ws_frames, PURE, PURE_MASK) if COMPILED else ws_frames
PURE_CURVE = pure_twin(curve_codec, PURE, PURE_ZWS) if COMPILED else curve_codec
TWINS = twins(frames, PURE)
MASKS = twins(mask, PURE_MASK)
ZWS = twins(ws_frames, PURE_ZWS)
CURVE = twins(curve_codec, PURE_CURVE)

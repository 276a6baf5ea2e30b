"""Load the codecs and, if they are compiled, their pure-Python fallbacks as well."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from zlinkcompat.wire.security import curve_codec
from zlinkcompat.wire.ws import frames as ws_frames
from zlinkcompat.wire.ws import mask
from zlinkcompat.wire.zmtp import buffers, decoder, encoder


def load_pure(module, *imports):
    """Load ``module`` from its ``.py`` file; ``imports`` replace the codecs that it imports."""
    path = Path(module.__file__).parent / (module.__name__.rpartition(".")[2] + ".py")
    name = "pure_" + path.stem
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    build = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    replaced = {each.original_name: each for each in imports}
    with mock.patch.dict(sys.modules, replaced):
        loader.exec_module(build)
    build.original_name = module.__name__
    return build


def builds(module, pure):
    return {"pure": pure} if pure is module else {"compiled": module, "pure": pure}


def classes(decoder, encoder):
    """Return the classes of the frame codec as attributes of one object."""
    return SimpleNamespace(
        Decoder=decoder.Decoder,
        RawDecoder=decoder.RawDecoder,
        Encoder=encoder.Encoder,
        RawEncoder=encoder.RawEncoder,
    )


COMPILED = not decoder.__file__.endswith(".py")
PURE_BUFFERS = load_pure(buffers) if COMPILED else buffers
PURE_DECODER = load_pure(decoder, PURE_BUFFERS) if COMPILED else decoder
PURE_ENCODER = load_pure(encoder, PURE_BUFFERS) if COMPILED else encoder
PURE = (PURE_BUFFERS, PURE_DECODER, PURE_ENCODER)
PURE_MASK = load_pure(mask) if COMPILED else mask
PURE_ZWS = load_pure(ws_frames, *PURE, PURE_MASK) if COMPILED else ws_frames
PURE_CURVE = load_pure(curve_codec, *PURE, PURE_ZWS) if COMPILED else curve_codec
CODECS = {"pure": classes(PURE_DECODER, PURE_ENCODER)}
if COMPILED:
    CODECS["compiled"] = classes(decoder, encoder)
MASKS = builds(mask, PURE_MASK)
ZWS = builds(ws_frames, PURE_ZWS)
CURVE = builds(curve_codec, PURE_CURVE)

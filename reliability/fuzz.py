"""Coverage-guided fuzzing of :mod:`reliability.targets` by atheris, in the pure-Python build.

``corpus/TARGET/`` contains inputs, each of which reaches code that no other input there reaches.
The new inputs of a run are merged into it, so it contains only those that reach new code.
"""

import inspect
import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 512  # bytes in the longest input
NAMES = ("greeting", "frames", "command", "curve", "zws", "upgrade", "endpoint", "connection")


def fuzz_one(name, *arguments):
    """Run libFuzzer's main function with the target ``name`` in this process."""
    import atheris

    from reliability import targets
    from zlinkcompat.wire.security import curve_codec
    from zlinkcompat.wire.ws import frames as ws_frames
    from zlinkcompat.wire.zmtp.decoder import Decoder
    from zlinkcompat.wire.zmtp.encoder import Encoder

    followed = ["zlinkcompat.wire", "zlinkcompat.transports"]
    if name == "connection":
        from reliability import connections  # noqa: F401  (imports the engine)

        followed += ["zlinkcompat.engine", "zlinkcompat.routing", "zlinkcompat.core"]
    # Instrument the functions here, because atheris's import hook would load the compiled modules.
    for module in list(sys.modules.values()):
        if module.__name__.startswith(tuple(followed)):
            for function in functions_of(module):
                atheris.instrument_func(function)
    zmtp = SimpleNamespace(Decoder=Decoder, Encoder=Encoder)
    codecs = targets.Codecs(zmtp, ws_frames, curve_codec)
    target = targets.TARGETS[name]

    def one(data):
        if data:
            target(codecs, data)

    # A merge starts further processes with the command in FUZZER, because inputs may crash them.
    atheris.Setup([os.environ["FUZZER"], *arguments], one)
    atheris.Fuzz()


def functions_of(module):
    """Yield all functions that are defined in ``module``, including those of its classes."""
    for one in vars(module).values():
        for each in vars(one).values() if inspect.isclass(one) else [one]:
            each = each.fget if isinstance(each, property) else each
            if inspect.isfunction(each) and each.__module__ == module.__name__:
                yield each


def start(name, folder, *arguments):
    fuzzer = Path(folder) / "fuzzer"
    fuzzer.write_text(f'#!/bin/sh\nexec {sys.executable} -m reliability.fuzz {name} "$@"\n')
    fuzzer.chmod(0o700)
    ended = subprocess.run(
        [fuzzer, f"-max_len={LONGEST}", *map(str, arguments)],
        cwd=CORPUS.parent.parent,
        text=True,
        env=dict(os.environ, ZLINKCOMPAT_PURE="1", FUZZER=str(fuzzer)),
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
    )
    return ended.returncode, ended.stdout


def run(seconds, names=NAMES):
    """Fuzz each target for ``seconds``, then merge the new inputs into the corpus.

    Returns
    -------
    dict
        ``targets`` has for each target the seconds, the date, the number of inputs that were tried,
        the coverage (edges) and the size of the corpus. ``failures`` has the output for each crash.
    """
    found, failures = {}, []
    for name in names:
        kept = CORPUS / name
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            new = Path(folder) / "new"
            new.mkdir()
            code, said = start(
                name,
                folder,
                new,
                kept,
                f"-max_total_time={seconds}",
                f"-artifact_prefix={folder}/",
                "-print_final_stats=1",
            )
            if code:
                failures.append(f"{name}:\n{said[-3000:]}")
                continue
            start(name, folder, "-merge=1", kept, new)
        tried = int(re.search(r"number_of_executed_units: *(\d+)", said)[1])
        found[name] = {
            "seconds": seconds,
            "on": datetime.now(UTC).date().isoformat(),
            "inputs": tried,
            "edges": int(re.findall(r"cov: (\d+)", said)[-1]),
            "kept": len(list(kept.iterdir())),
        }
    return {"targets": found, "failures": failures}


if __name__ == "__main__":
    fuzz_one(*sys.argv[1:])

"""``zlinkcompat bench``: runs the benchmark of the checkout, or its copy in an installed wheel."""

from __future__ import annotations

import runpy
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: Modules that the benchmark imports; the extra ``bench`` installs them.
NEEDED = ("hdrh", "rich")

CHECKOUT = Path(__file__).parent.parent.parent


def package() -> Any:
    """Return the name of the benchmark's package; None if this installation has none."""
    if (CHECKOUT / "bench" / "forkserver.py").exists():
        sys.path.insert(0, str(CHECKOUT))
        return "bench"
    return "zlinkcompat._bench" if find_spec("zlinkcompat._bench") else None


def main(argv: list[str], prog: str) -> None:
    """Run the benchmark with the arguments of ``python -m bench``."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        sys.exit(
            f"{prog}: the benchmark needs packages that are missing ({', '.join(missing)}): "
            "pip install 'zlinkcompat[bench]'"
        )
    name = package()
    if name is None:
        sys.exit(f"{prog}: this installation does not contain the benchmark; run it in a checkout")
    sys.argv = [prog, *argv]
    runpy.run_module(name, run_name="__main__", alter_sys=True)

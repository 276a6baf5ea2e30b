"""``zlinkcompat run prog.py args``: run a pyzmq program on this engine."""

from __future__ import annotations

import argparse
import atexit
import os
import runpy
import signal
import sys
from errno import ENOENT
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zlinkcompat import _cli

if TYPE_CHECKING:
    from argparse import Namespace


BACKEND = "zlinkcompat.backend"

#: Files whose frames lie below the program's in a traceback; the last may be the console script.
OWN_FILES = (
    __file__,
    _cli.__file__,
    str(Path(_cli.__file__).parent.with_name("__main__.py")),
    runpy.__file__,
    "<frozen runpy>",
    sys.argv[0],
)


def parse(argv: list[str], prog: str) -> Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} [--no-patch] [--stats] (prog.py | -m module) [args ...]",
        description="Run a program that was written for pyzmq on zlinkcompat's engine, unchanged.",
        epilog="The program and its child processes see PYZMQ_BACKEND=" + BACKEND + ".",
    )
    parser.add_argument(
        "--no-patch",
        action="store_true",
        help="leave the standard library as it is, instead of monkey-patching it with gevent",
    )
    parser.add_argument(
        "--stats",
        action="store_true",
        help="print every context, socket, pipe and connection to stderr on "
        "SIGUSR1 and when the program ends",
    )
    parser.add_argument(
        "-m",
        metavar="module",
        dest="module",
        nargs=argparse.REMAINDER,
        help="run a module, as python -m does",
    )
    parser.add_argument(
        "program",
        nargs=argparse.REMAINDER,
        metavar="prog.py args",
        help="the program and its arguments",
    )
    options = parser.parse_args(argv)
    if options.program[:1] == ["--"]:
        del options.program[0]
    if options.module == [] or not (options.module or options.program):
        parser.error("missing program: name a file, or -m and a module")
    if options.program and not os.path.exists(options.program[0]):
        # The same message as python's.
        reason = os.strerror(ENOENT)
        parser.exit(2, f"can't open file {options.program[0]!r}: [Errno {ENOENT}] {reason}\n")
    return options


def excepthook(kind: Any, error: Any, trace: Any) -> None:
    """Print the program's traceback without the runner's own frames."""
    while trace is not None and trace.tb_frame.f_code.co_filename in OWN_FILES:
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


def print_stats(*_: Any) -> None:
    """Print the report of ``--stats`` to stderr."""
    from zlinkcompat.debug import dump

    # Do not use sys.stderr: the signal may arrive in the middle of a print.
    os.write(2, f"{dump()}\n".encode())


def main(argv: list[str], prog: str) -> None:
    """Run the program that the command line names, with its own ``sys.argv`` and ``__main__``."""
    options = parse(argv, prog)
    sys.excepthook = excepthook
    # Child processes inherit it.
    os.environ["PYZMQ_BACKEND"] = BACKEND
    if not options.no_patch:
        from gevent import monkey

        monkey.patch_all()
    if not options.stats:
        run(options)
        return
    signal.signal(signal.SIGUSR1, print_stats)
    left = None
    try:
        left = run(options)
    except BaseException as error:
        left = error
        raise
    finally:
        # Keep what the program leaves, because runpy would drop it before the report.
        atexit.register(print_stats, left)


def run(options: Namespace) -> Any:
    """Run the program and return its globals."""
    if options.module:
        sys.argv = options.module
        # As with python -m, the current directory comes first.
        sys.path[0] = os.getcwd()
        return runpy.run_module(options.module[0], run_name="__main__", alter_sys=True)
    sys.argv = options.program
    sys.path[0] = os.path.dirname(os.path.abspath(options.program[0]))
    return runpy.run_path(options.program[0], run_name="__main__")

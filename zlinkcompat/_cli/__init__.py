"""The command ``zlinkcompat``: run a program, look into it, examine an installation, measure.

The short form takes no command: ``python -m zlinkcompat prog.py`` runs the program.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import Any

COMMANDS = {
    "run": "run a program that was written for pyzmq on this engine, unchanged",
    "doctor": "report the build, versions, engine and limits of this machine, with advice",
    "top": "show what the sockets of a running process do, and which peer is slow",
    "bench": "compare with pyzmq and other libraries on this machine",
}


def prog() -> str:
    """Return the command as the user typed it."""
    return "python -m zlinkcompat" if sys.argv[0].endswith("__main__.py") else "zlinkcompat"


def print_help() -> None:
    """Print the commands."""
    lines = "".join(f"  {name:8} {text}\n" for name, text in COMMANDS.items())
    print(
        f"usage: {prog()} [--version] COMMAND ...\n"
        f"       {prog()} [--no-patch] [--stats] (prog.py | -m module) [args ...]\n\n"
        f"commands:\n{lines}\n"
        f"`{prog()} COMMAND --help` explains a command. Without a command, the program is run. "
        "Write\n./run for a program that has the name of a command."
    )


def version() -> str:
    """Return one line with our version and those of our dependencies."""
    from zlinkcompat._cli.versions import one_line

    return one_line()


def main(argv: Any = None) -> None:
    """Run the command line; ``run`` returns when the program ends."""
    argv = sys.argv[1:] if argv is None else argv
    first = argv[0] if argv else None
    if first in ("-h", "--help"):
        print_help()
    elif first in ("-V", "--version"):
        print(version())
    elif first in COMMANDS:
        command = import_module(f"zlinkcompat._cli.{first}")
        sys.exit(command.main(argv[1:], f"{prog()} {first}"))
    elif not argv:
        argparse.ArgumentParser(prog=prog(), usage=f"{prog()} COMMAND ...").error(
            f"missing command: use one of {', '.join(COMMANDS)}, or name a program to run"
        )
    else:
        sys.exit(import_module("zlinkcompat._cli.run").main(argv, prog()))

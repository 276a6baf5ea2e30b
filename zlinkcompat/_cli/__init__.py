"""The command ``zlinkcompat``: run a program, examine an installation, measure.

The older spelling names no command: ``python -m zlinkcompat prog.py`` runs the program.
"""

import argparse
import sys
from importlib import import_module

COMMANDS = {
    "run": "run a program that was written for pyzmq on this engine, unchanged",
    "doctor": "report builds, versions, the engine and limits of this machine, and what to do",
    "bench": "compare with pyzmq and others on this machine",
}


def prog():
    """The command as the user typed it."""
    return "python -m zlinkcompat" if sys.argv[0].endswith("__main__.py") else "zlinkcompat"


def print_help():
    """Print the commands."""
    lines = "".join(f"  {name:8} {text}\n" for name, text in COMMANDS.items())
    print(
        f"usage: {prog()} [--version] COMMAND ...\n"
        f"       {prog()} [--no-patch] [--stats] (prog.py | -m module) [args ...]\n\n"
        f"commands:\n{lines}\n"
        f"`{prog()} COMMAND --help` explains one. Without a command, a program is run; write "
        "./run for\na program that has the name of a command."
    )


def version():
    """One line with our version, and those of what we stand on."""
    from zlinkcompat._cli.versions import one_line

    return one_line()


def main(argv=None):
    """Do what the command line says; for ``run`` this returns when the program ends."""
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
            f"a command is needed, one of {', '.join(COMMANDS)}; or a program to run"
        )
    else:
        sys.exit(import_module("zlinkcompat._cli.run").main(argv, prog()))

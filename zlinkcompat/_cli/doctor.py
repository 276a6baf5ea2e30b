"""``zlinkcompat doctor``: reports the installation, the engine, limits, and advice."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from zlinkcompat._cli import limits, mixing
from zlinkcompat._cli.run import BACKEND
from zlinkcompat._cli.versions import versions
from zlinkcompat.core.context import wants_threads
from zlinkcompat.debug import build_info
from zlinkcompat.tuning import TABLE, check_environment

if TYPE_CHECKING:
    from pathlib import Path


class Report:
    """Prints sections and collects advice for the user."""

    def __init__(self) -> None:
        self.advice: list[Any] = []

    def heading(self, text: str) -> None:
        """Begin a section."""
        print(f"\n{text}")

    def line(self, name: str, value: Path | str) -> None:
        """Print one fact."""
        print(f"  {name:<22} {value}")

    def advise(self, text: str) -> None:
        """Collect advice, which is printed at the end."""
        self.advice.append(text)


def report_versions(report: Report) -> None:
    """Report what is installed."""
    report.heading("Versions")
    for name, version in versions().items():
        report.line(name, version or "not installed")
    report.line("platform", sys.platform)
    report.line("executable", sys.executable)


def report_build(report: Report) -> None:
    """Report whether the modules are compiled."""
    report.heading("Build")
    build = build_info()
    compiled = sum(build["modules"].values())
    report.line("compiled modules", f"{compiled} of {len(build['modules'])}")
    report.line("location", os.path.dirname(os.path.dirname(__file__)))
    if build["pure"]:
        report.line("ZLINKCOMPAT_PURE", "1: the pure-Python fallback was asked for")
        return
    if build["compiled"] == "partly":
        missing = ", ".join(
            name for name, is_compiled in build["modules"].items() if not is_compiled
        )
        report.advise(
            f"The build is broken: {missing} are not compiled. Install zlinkcompat again."
        )
    elif not build["compiled"]:
        report.advise(
            "zlinkcompat is not compiled, and slower than pyzmq. Install a C compiler and Python's "
            "headers, then reinstall it with pip's --force-reinstall --no-cache-dir."
        )


def report_engine(report: Report) -> None:
    """Report which engine a program gets, and why."""
    report.heading("Engine")
    asked = os.environ.get("ZLINK_ENGINE", "auto")
    report.line("ZLINK_ENGINE", asked if "ZLINK_ENGINE" in os.environ else "not set (auto)")
    try:
        threads = wants_threads(asked)
    except ValueError as error:
        report.advise(str(error))
        return
    if asked != "auto":
        report.line("every program", f"{asked} engine, because ZLINK_ENGINE says so")
    else:
        report.line("a plain program", f"{'thread' if threads else 'hub'} engine")
        report.line("after patch_all()", "hub engine, because threading is monkey-patched")
    report.line("zlinkcompat.green", "hub engine, always")
    report.line("zlinkcompat.asyncio", "thread engine; the event loop serves its own connections")
    backend = os.environ.get("PYZMQ_BACKEND")
    report.line("PYZMQ_BACKEND", backend or "not set: import zmq runs on libzmq")


def report_settings(report: Report) -> None:
    """Report environment variables that change settings, and mistakes in them."""
    report.heading("Settings in the environment")
    found = [name for name in sorted(os.environ) if name.startswith(("ZLINK_", "ZMQ_"))]
    for name in found:
        report.line(name, os.environ[name])
    if not found:
        report.line("none", "")
    with warnings.catch_warnings(record=True) as unknown:
        warnings.simplefilter("always")
        check_environment()
    for warning in unknown:
        report.advise(f"{warning.message}.")
    for setting in TABLE:
        if setting.variable in os.environ:
            try:
                setting.parse(os.environ[setting.variable])
            except ValueError as error:
                report.advise(f"{error}.")


def report_limits(report: Report) -> None:
    """Report limits of the machine."""
    report.heading("Limits")
    for limit in limits.limits():
        report.line(limit.name, limit.value)
        if limit.advice:
            report.advise(limit.advice)


def report_mixing(report: Report, paths: Any) -> None:
    """Report programs that use pyzmq with libzmq beside zlinkcompat."""
    report.heading("Imports")
    others = mixing.dependents()
    report.line("packages that use zmq", ", ".join(others) or "none")
    if os.environ.get("PYZMQ_BACKEND") == BACKEND:
        report.line("import zmq", "uses this engine, because of PYZMQ_BACKEND")
        return
    ours, theirs = mixing.imports(paths)
    for path in paths:
        report.line("examined", path)
    for path in theirs:
        report.line("imports zmq", path)
    if ours and theirs:
        report.advise(
            "Some files import zmq and others zlinkcompat. Their sockets cannot be mixed: import "
            f"zlinkcompat everywhere, or run with PYZMQ_BACKEND={BACKEND}."
        )


def parser(prog: str) -> Any:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(
        prog=prog,
        description="Report the build, the versions, the engine and the limits of this machine, "
        "with advice. Please add it to a bug report. The exit status is 1 if there is advice.",
    )
    parse.add_argument(
        "paths",
        nargs="*",
        metavar="program",
        help="files and folders of your program, which are searched for imports of zmq",
    )
    return parse


def main(argv: list[str], prog: str) -> int:
    """Print the report; return 1 if there is advice."""
    paths = parser(prog).parse_args(argv).paths
    report = Report()
    report_versions(report)
    report_build(report)
    report_engine(report)
    report_settings(report)
    report_limits(report)
    report_mixing(report, paths)
    report.heading("What to do")
    for text in report.advice or ["Nothing: no problem was found."]:
        print(f"  - {text}" if report.advice else f"  {text}")
    return 1 if report.advice else 0

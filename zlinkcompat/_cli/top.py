"""``zlinkcompat top PID``: shows what a running process does, and which peer is slow."""

from __future__ import annotations

import argparse
import os
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from zlinkcompat._cli import top_tables
from zlinkcompat._cli.control_client import NoAnswer, ask, processes
from zlinkcompat.metrics.json_text import load_process

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options


#: The most peers that are shown.
PEERS = 20


def parser(prog: str) -> Any:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(
        prog=prog,
        description="Show what the sockets of a running process do, and its peers, worst first. "
        "The process needs ZLINK_CONTROL=1 in its environment, or has to call "
        "zlinkcompat.metrics.open_control().",
    )
    parse.add_argument(
        "pid",
        nargs="?",
        type=int,
        metavar="PID",
        help="the number of the process; without it, the only one that can be asked",
    )
    parse.add_argument("--once", action="store_true", help="print plain text once, and end")
    parse.add_argument("--json", action="store_true", help="with --once: print JSON with all data")
    parse.add_argument(
        "--interval",
        type=positive,
        default=1.0,
        metavar="S",
        help="seconds between two looks (default: 1)",
    )
    parse.add_argument(
        "--peers",
        type=int,
        default=PEERS,
        metavar="N",
        help=f"the most peers to show (default: {PEERS})",
    )
    return parse


def positive(text: str) -> Any:
    """Return a number of seconds; ValueError if it is not positive."""
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError
    return value


def main(argv: list[str], prog: str) -> Any:
    """Show the process; return the exit status."""
    parse = parser(prog)
    options = parse.parse_args(argv)
    if options.json and not options.once:
        parse.error("--json needs --once")
    try:
        pid = only_process() if options.pid is None else options.pid
        if options.once:
            print_once(pid, options)
        else:
            show(pid, options)
    except NoAnswer as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        # The reader of a pipe has seen enough. The interpreter flushes stdout again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def only_process() -> Any:
    """Return the only process that can be asked; NoAnswer if there is none, or a choice."""
    found = processes()
    if not found:
        raise NoAnswer(
            "no process of this user has a control socket: start one with ZLINK_CONTROL=1"
        )
    if len(found) > 1:
        raise NoAnswer(f"several processes can be asked: name one of {', '.join(map(str, found))}")
    return found[0]


def look(pid: Any) -> Any:
    """Return a snapshot of a process."""
    try:
        return load_process(ask(pid))
    except ValueError as error:
        raise NoAnswer(f"process {pid}: {error}") from None


def tables(now: int, before: Any, options: Options) -> Any:
    """Return the tables to show."""
    rates = top_tables.Rates(now, before)
    return [
        top_tables.without_empty(table)
        for table in (
            top_tables.peer_table(now, rates, options.peers),
            top_tables.socket_table(now, rates),
        )
    ]


def print_once(pid: Any, options: Options) -> None:
    """Print one snapshot."""
    if options.json:
        print(ask(pid), end="", flush=True)
        return
    now = look(pid)
    print(top_tables.headline(now))
    for table in tables(now, None, options):
        print("", *top_tables.plain(table), sep="\n", flush=True)


def check_terminal() -> None:
    """Raise NoAnswer where the live view cannot be shown."""
    if find_spec("rich") is None:
        raise NoAnswer(
            "the live view needs the package rich: pip install 'zlinkcompat[top]', or use --once"
        )
    if not sys.stdout.isatty():
        raise NoAnswer("the live view needs a terminal: use --once")


def show(pid: Any, options: Options) -> None:
    """Show snapshots until the user ends it, or the process does not answer."""
    before, now = None, look(pid)
    check_terminal()
    from rich.live import Live

    with Live(drawn(now, before, options), screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(options.interval)
            before, now = now, look(pid)
            live.update(drawn(now, before, options), refresh=True)


def drawn(now: int, before: Any, options: Options) -> Any:
    """Return the tables for rich."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Any] = [Text(f"{top_tables.headline(now)}   (Ctrl-C ends)")]
    for table in tables(now, before, options):
        made = Table(title=table.title, title_justify="left", expand=False, box=None)
        for title, is_number in table.columns:
            made.add_column(title, justify="right" if is_number else "left", no_wrap=True)
        for row in table.rows:
            made.add_row(*map(Text, row))
        parts.append(made)
    return Group(*parts)

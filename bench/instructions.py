"""``python -m bench.instructions``: how many instructions each call costs, counted by callgrind.

Both ends of each pattern run in one process. The count includes all instructions of this process
within a call of send or recv. It does not include the interpreter's loop around the call, or the
kernel. The count hardly depends on the machine and on other work there. It does not show the cost
of cache misses and mispredicted branches. A run takes about ten seconds of CPU time, and needs
valgrind and a compiled build.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from bench.counted_program import BURST, SIZE, TYPES

LIMIT = 900  # seconds, enough for a busy machine
FLOOR = "an empty call"

# Cython's names of the C functions that the interpreter calls for a method.
METHOD = re.compile(r"__pyx_pw_\w*_6Socket_\d+(send|recv|recv_multipart)$")
EMPTY = re.compile(r"__pyx_pw_\w*_5Owner_\d+on_readable$")
OURS = re.compile(r"__pyx_\w+?_11zlinkcompat_\d*(\w+)")
COPY = re.compile(r"_*memcpy")


class Profile:
    """The counts of callgrind between two marks.

    Parameters
    ----------
    text : str
        The content of a file that callgrind wrote without compressing names and positions.

    Attributes
    ----------
    own : dict of str to int
        The instructions of each function, without those of the functions that it calls.
    calls, within : dict of str to int
        How often each function was called, and its instructions including those of the functions
        that it calls.
    """

    def __init__(self, text):
        self.own = defaultdict(int)
        self.calls = defaultdict(int)
        self.within = defaultdict(int)
        function = called = None
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if key == "fn":
                function = value
            elif key == "cfn":
                called = value
            elif key == "calls":
                self.calls[called] += int(value.split()[0])
            elif line[:1].isdigit():
                cost = int(line.split()[1])
                if called is None:
                    self.own[function] += cost
                else:
                    self.within[called] += cost
                    called = None

    def matching(self, pattern):
        """Yield the name of each called function that matches, and the first group of the match, or
        the whole match if the pattern has no group."""
        for name in sorted(self.calls):
            match = pattern.match(name)
            if match:
                yield name, match.group(match.lastindex or 0)

    def per_call(self, pattern):
        """Return the mean instructions per call of the functions that match; 0 if none was
        called."""
        names = [name for name, _ in self.matching(pattern)]
        calls = sum(self.calls[name] for name in names)
        return sum(self.within[name] for name in names) / calls if calls else 0


def profiles(engine, patterns, count):
    """Run the program under callgrind.

    Returns
    -------
    dict of str to Profile
        The profile of each pattern, and that of :data:`FLOOR`.

    Raises
    ------
    OSError, RuntimeError
        valgrind is missing, or the program failed.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        output = Path(folder, "out")
        done = subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                "--dump-before=getppid",
                "--compress-strings=no",
                "--compress-pos=no",
                f"--callgrind-out-file={output}",
                *(sys.executable, "-m", "bench.counted_program", engine, str(count), *patterns),
            ],
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        if done.returncode:
            # Leave out valgrind's own messages, which begin like this.
            said = re.sub(r"^==\d+==.*\n", "", done.stderr, flags=re.MULTILINE)
            raise RuntimeError(f"the program failed under callgrind:\n{said}")
        # Dump 1 ends at the start of the first measured part, dump 2 at its end, and so on. So the
        # even dumps are the measured parts.
        return {
            name: Profile(Path(f"{output}.{2 * place}").read_text())
            for place, name in enumerate([*patterns, FLOOR], 1)
        }


def rows(found):
    """Yield (pattern, socket type, method, instructions per call, floor) for each call.

    The floor is the least that a call can cost: an empty compiled method, and one copy of the body
    for a call that sends, or one bytes object with the body for a call that receives.
    """
    empty = found[FLOOR].per_call(EMPTY)
    if not empty:
        raise RuntimeError("zlinkcompat is not compiled, and only compiled calls can be counted")
    for pattern, profile in found.items():
        if pattern == FLOOR:
            continue
        sending, receiving = TYPES[pattern]
        made = profile.per_call(re.compile("PyBytes_FromStringAndSize$"))
        copied = profile.per_call(COPY)
        methods = [method for _, method in profile.matching(METHOD)]
        for method in sorted(methods, reverse=True):
            end = sending if method == "send" else receiving
            if pattern == "req-rep":
                end = f"{sending}, {receiving}"
            cost = profile.per_call(
                re.compile(METHOD.pattern.replace("send|recv|recv_multipart", method))
            )
            yield pattern, end, method, cost, empty + (copied if method == "send" else made)


def table(found):
    """Return the table of all rows in Markdown."""
    lines = [
        "| pattern | socket | call | instructions | floor | times the floor |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{pattern}` | {end} | `{method}` | {cost:,.0f} | {floor:,.0f} | {cost / floor:.1f}x |"
        for pattern, end, method, cost, floor in rows(found)
    ]
    return "\n".join(lines)


def dearest(profile, number):
    """Yield a line of text for each of the ``number`` functions with the most instructions of their
    own."""
    calls = sum(profile.calls[name] for name, _ in profile.matching(METHOD))
    most = sorted(profile.own.items(), key=lambda each: -each[1])[:number]
    for name, cost in most:
        match = OURS.match(name)
        yield f"{cost / calls:9.1f}  {match.group(1) if match else name}"


def parser():
    parse = argparse.ArgumentParser(prog="python -m bench.instructions", description=__doc__)
    add = parse.add_argument
    add("--engine", choices=("hub", "thread"), default="hub", help="the engine (default hub)")
    add(
        "--pattern",
        action="append",
        choices=TYPES,
        help="measure only this pattern (may be repeated; default all)",
    )
    add(
        "--count",
        type=int,
        default=2 * BURST,
        metavar="N",
        help="the number of messages of each pattern",
    )
    add(
        "--functions",
        type=int,
        default=0,
        metavar="N",
        help="also list the N functions with the most instructions of their own",
    )
    return parse


def main(arguments=None):
    parse = parser()
    chosen = parse.parse_args(arguments)
    if chosen.count < BURST:
        parse.error(f"--count: at least {BURST}, one burst")
    try:
        found = profiles(chosen.engine, chosen.pattern or list(TYPES), chosen.count)
        text = table(found)
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Instructions of one call, {SIZE} bytes over tcp, {chosen.engine} engine\n")
    print(text)
    for pattern, profile in found.items():
        if chosen.functions and pattern != FLOOR:
            print(f"\n{pattern}: instructions of each function itself, per call of send or recv")
            print("\n".join(dearest(profile, chosen.functions)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m compat_tests.upstream [--backend NAME | --libzmq [--patched]] [-k EXPR]``."""

import argparse
import pathlib
import sys

from compat_tests.upstream.run import run

parser = argparse.ArgumentParser("python -m compat_tests.upstream", description=__doc__)
which = parser.add_mutually_exclusive_group()
which.add_argument("--backend", default="zlinkcompat.backend", help="value of PYZMQ_BACKEND")
which.add_argument("--libzmq", action="store_true", help="real libzmq, not monkey-patched")
parser.add_argument("--patched", action="store_true", help="monkey-patch with --libzmq too")
parser.add_argument("-k", dest="select", metavar="EXPR", help="as for pytest")
parser.add_argument("--junit", type=pathlib.Path, help="folder for junit xml")
parser.add_argument("-v", action="store_true", help="also say why")
options = parser.parse_args()
result = run(
    backend=None if options.libzmq else options.backend,
    patched=options.patched or not options.libzmq,
    select=options.select,
    junit=options.junit and options.junit.resolve(),
    say=lambda line: print(line, file=sys.stderr, flush=True),
)
for test, outcome in result.not_passed.items():
    reason = result.texts[test].strip() or "-"
    print(f"{outcome:8}{test}  {reason.splitlines()[-1]}")
    if options.v and outcome != "skipped":
        print(reason)
print(result.summary() or "no tests ran")
sys.exit(any(o != "skipped" for o in result.not_passed.values()) or not result.outcomes)

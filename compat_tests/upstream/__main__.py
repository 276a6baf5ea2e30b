"""Run pyzmq's own tests: ``python -m compat_tests.upstream --entry-point swap -k poll``."""

import argparse
import pathlib
import sys

from compat_tests.upstream.cell import judge, keep
from compat_tests.upstream.run import ENTRY_POINTS, run

parser = argparse.ArgumentParser("python -m compat_tests.upstream", description=__doc__)
parser.add_argument(
    "--entry-point", choices=ENTRY_POINTS, default="backend", help="what the tests import"
)
parser.add_argument("--unpatched", action="store_true", help="not monkey-patched with gevent")
parser.add_argument("-k", dest="select", metavar="EXPR", help="as for pytest")
parser.add_argument("--junit", type=pathlib.Path, help="folder for junit xml")
parser.add_argument("--keep", type=pathlib.Path, help="folder for the cell of the matrix")
parser.add_argument("-v", action="store_true", help="also say why")
options = parser.parse_args()
result = run(
    options.entry_point,
    patched=not options.unpatched,
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
cell = judge(result, options.entry_point, not options.unpatched)
if options.keep:
    keep(cell, options.keep)
for test in cell["failed"]:
    print(f"should have passed: {test}")
gone = cell["gone"] if not options.select else []
for test in gone:
    print(f"in expected.py, but passes: {test}")
sys.exit(bool(cell["failed"] or gone) or not result.outcomes)

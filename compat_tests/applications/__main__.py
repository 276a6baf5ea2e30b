"""Run the tests of applications on libzmq and on our engines.

``python -m compat_tests.applications posttroll`` runs one application. Without names, all
applications are run.
"""

import argparse
import json
import pathlib
import sys

from compat_tests.applications.compare import compare
from compat_tests.applications.run import run
from compat_tests.applications.table import ENGINES, TABLE

NAMES = {application.name: application for application in TABLE}
parser = argparse.ArgumentParser("python -m compat_tests.applications", description=__doc__)
parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
parser.add_argument(
    "--engine", choices=ENGINES, action="append", help="run on this engine of ours only"
)
parser.add_argument("--keep", type=pathlib.Path, help="folder for the outcomes, as JSON")
parser.add_argument("-v", action="store_true", help="also print what failed on libzmq")
options = parser.parse_args()
chosen = [NAMES[name] for name in options.names] or TABLE
bad = False
for application in chosen:
    reference = run(application, "libzmq")
    print(f"{application.name} {application.version} on libzmq: {reference.summary()}", flush=True)
    bad |= "passed" not in reference.outcomes.values()
    results = {"libzmq": reference}
    for test, outcome in reference.not_passed.items():
        if options.v:
            print(f"  {outcome}: {test}: {reference.texts[test][-300:]}")
    for engine in options.engine or application.engines:
        if engine not in application.engines:
            continue
        result = results[engine] = run(application, engine)
        print(
            f"{application.name} {application.version} on {engine}: {result.summary()}", flush=True
        )
        failed, same = compare(application, reference, engine, result)
        bad |= bool(failed or same)
        for test, text in failed.items():
            print(f"  should be as on libzmq: {test}: {text[-300:]}", flush=True)
        for test in same:
            print(f"  explained in table.py, but as on libzmq: {test}", flush=True)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        (options.keep / f"{application.name}.json").write_text(
            json.dumps(
                {where: [result.outcomes, result.texts] for where, result in results.items()},
                indent=1,
            )
        )
sys.exit(bad)

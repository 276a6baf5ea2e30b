"""Run ``tests/faults`` at every byte, and count the faults."""

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from reliability.processes import ROOT


def run():
    """Run the tests; return the number of faults by transport or mechanism and by kind of fault.

    ``lost`` and ``duplicated`` are 0 if all tests passed, because a test fails at its first lost or
    repeated message. Otherwise both are None."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "tests/faults",
                "--all-faults",
                "-o",
                "junit_family=legacy",
                f"--junitxml={report}",
            ],
            cwd=ROOT,
            stdout=sys.stderr,
        )
        cases = ElementTree.parse(report).iter("testcase")
        tried = {}
        for case in cases:
            name = case.get("name").partition("[")[2].rstrip("]")
            for told in case.iter("property"):
                tried[name] = int(told.get("value"))
    none = None if ended.returncode else 0
    return {
        "tried": tried,
        "faults": sum(tried.values()),
        "lost": none,
        "duplicated": none,
        "failures": ["see pytest's report"] if ended.returncode else [],
    }

"""Processes of a run: started as modules of this package, they talk in lines of JSON."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Process:
    """``python -m MODULE ARGS``: lines of JSON come from it, lines of text go to it."""

    def __init__(self, module, *args, **environment):
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, args)],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(os.environ, **environment),
        )

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if failure[0] is not None:
            self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        code = self.process.wait()
        if code and failure[0] is None:
            raise RuntimeError(f"{self.process.args} ended with {code}")

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended with {self.process.wait()}")
        return json.loads(line)

    def tell(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()


def say(said):
    """In such a process: a line to the one that started it."""
    print(json.dumps(said), flush=True)


def raise_descriptor_limit(wanted=0):
    """Allow this process as many descriptors as it may have, or ``wanted`` where that is more and
    the system lets us; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(hard, wanted), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            break
        except (OSError, ValueError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

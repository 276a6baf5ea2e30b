"""The processes of a run. Each runs a module of this package, and sends its results as JSON."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Process:
    """A process ``python -m MODULE ARGS``, which sends lines of JSON and receives lines of text."""

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
    """Send ``said`` to the process that started this one."""
    print(json.dumps(said), flush=True)


def raise_descriptor_limit(wanted=0):
    """Raise the limit of descriptors to the hard limit, or to ``wanted`` if that is higher and the
    system permits it; return the limit."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(hard, wanted), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            break
        except (OSError, ValueError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

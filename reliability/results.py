"""The results of the runs, as JSON with one entry for each run."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

PATH = Path(__file__).parent / "results.json"


def load():
    return json.loads(PATH.read_text()) if PATH.exists() else {}


def keep(name, found):
    """Replace the stored results of the run ``name`` with ``found`` (dict)."""
    results = load()
    results[name] = {
        **found,
        "on": datetime.now(UTC).date().isoformat(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
    }
    PATH.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n")

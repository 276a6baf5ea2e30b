"""Read the Grafana dashboard under examples/."""

import json
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "examples" / "grafana" / "zlinkcompat.json"


def panels():
    """Return the panels of the dashboard."""
    return json.loads(PATH.read_text())["panels"]


def queries():
    """Return all queries of the panels."""
    return [target["expr"] for panel in panels() for target in panel["targets"]]

"""README and docs tell the truth: each page's Python blocks run, as one program in their order, and
print what the ``text`` blocks behind them say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Of these only the links are looked at.
OTHERS = [ROOT / name for name in (
    "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "changelog.d/README.md",
    "examples/browser/README.md")]
FENCE = re.compile(r"^```([^\s`]+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def blocks(page, language):
    return [text for kind, text in FENCE.findall(page.read_text()) if kind == language]


@pytest.mark.parametrize(
    "page", [each for each in PAGES if blocks(each, "python")], ids=lambda page: page.name
)
def test_a_page_runs(page, tmp_path):
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks(page, "python")))
    done = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, timeout=100,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **inherited()},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(blocks(page, "text"))


def inherited():
    """Which build runs, nothing else: a page starts with no settings."""
    import os

    names = ("ZLINKCOMPAT_PURE", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ}


@pytest.mark.parametrize("page", [*PAGES, *OTHERS],
                         ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(page.read_text()):
        path = page.parent / target if target else page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path), f"{target}#{anchor}"


def anchors(page):
    """As forges and MyST make them of headings."""
    text = FENCE.sub("", page.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in HEADING.findall(text)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_is_left_out(page):
    """A language that is none of these, or none, would neither be run nor be seen to be output."""
    text = page.read_text()
    kinds = [kind for kind, _ in FENCE.findall(text)]
    assert set(kinds) <= {"python", "console", "text", "graphviz", "{eval-rst}", "{toctree}"}
    assert len(re.findall(r"^\s*(?:```|~~~)", text, re.MULTILINE)) == 2 * len(kinds)

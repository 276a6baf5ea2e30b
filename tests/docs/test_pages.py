"""The Python blocks of each page run as one program, and print what its ``text`` blocks show.

The pages are README and those in docs/.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: Pages that are not on the site. Only their links and commands are tested.
OTHERS = [
    ROOT / name
    for name in (
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "changelog.d/README.md",
        "examples/browser/README.md",
    )
]
#: Maps a page whose Python blocks are separate files to the test that runs them.
SEVERAL_PROGRAMS = {"deploy.md": "test_deploy.py"}
FENCE = re.compile(r"^```([^\s`]+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def blocks(page, language):
    return [text for kind, text in FENCE.findall(page.read_text()) if kind == language]


@pytest.mark.parametrize(
    "page",
    [each for each in PAGES if blocks(each, "python") and each.name not in SEVERAL_PROGRAMS],
    ids=lambda page: page.name,
)
def test_page_runs_and_prints_its_output(page, tmp_path):
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks(page, "python")))
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **inherited()},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(blocks(page, "text"))


def inherited():
    """Remove all settings from the environment, except the variable that selects the build."""
    import os

    names = ("ZLINKCOMPAT_PURE", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ}


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_have_existing_targets(page):
    for target, anchor in LINK.findall(page.read_text()):
        path = page.parent / target if target else page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path), f"{target}#{anchor}"


def anchors(page):
    """Return the anchors that forges and MyST generate for the headings of a page."""
    text = FENCE.sub("", page.read_text())
    return {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(text)
    }


#: Maps the language of a block to the way in which it is tested. No other languages are allowed.
FATES = {
    "python": "test_page_runs_and_prints_its_output",
    "text": "output, where the page has Python compared by test_page_runs_and_prints_its_output",
    "console": "test_commands.py",
    "dockerfile": "test_deploy.py",
    "ini": "test_deploy.py",
    "graphviz": "drawn by sphinx-build, looked at by tools/test_site.py",
    "{eval-rst}": "sphinx-build -W",
    "{toctree}": "sphinx-build -W",
}


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: str(page.relative_to(ROOT)))
def test_each_block_is_executed_or_output(page):
    text = page.read_text()
    kinds = [kind for kind, _ in FENCE.findall(text)]
    assert set(kinds) <= set(FATES)
    # A block with another fence, or indented by four spaces, would be on the site untested.
    assert len(re.findall(r"^\s*(?:```|~~~)", text, re.MULTILINE)) == 2 * len(kinds)
    assert not re.search(r"(?:\A|\n\n)(?: {4}|\t)\S", FENCE.sub("", text))
    if page not in PAGES:
        assert set(kinds) <= {"console"}


def test_every_page_is_tested():
    listed = subprocess.run(
        ["git", "ls-files", "*.md", "*.rst"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:  # not a git checkout but, for example, an unpacked sdist
        pytest.skip(f"not a checkout by git: {listed.stderr}")
    # Fragments of the changelog are not pages: +name.added.md, or 123.added.md for an issue.
    fragment = re.compile(r"changelog\.d/(\+|\d)")
    found = {ROOT / each for each in listed.stdout.split() if not fragment.match(each)}
    assert found == {*PAGES, *OTHERS}


@pytest.mark.parametrize(
    "name", ["A socket option", "A transport", "A mechanism", "A library in the bench"]
)
def test_worked_example_runs_and_prints_its_output(name):
    """A worked example runs by itself, although it is a part of the page Contribute."""
    page = (ROOT / "docs" / "contribute.md").read_text()
    section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    kinds = [kind for kind, _ in FENCE.findall(section)]
    assert kinds == ["python", "text"]

"""The README for PyPI has absolute links to existing files, and is otherwise unchanged."""

import re
import runpy

from test_pages import LINK, ROOT


def test_release_readme_does_not_link_into_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)
    made = runpy.run_path("setup.py")
    plain = made["readme"](None)
    assert plain == (ROOT / "README.md").read_text()
    forge = "https://forge/us/it"
    released = made["readme"](forge)
    assert LINK.search(plain) and not LINK.search(released)
    assert f"]({forge}/raw/HEAD/docs/overview.svg)" in released
    for path in re.findall(rf"{forge}/(?:raw|blob)/HEAD/([^)#]*)", released):
        assert (ROOT / path).exists(), path
    # Only the links were changed.
    assert re.sub(rf"{forge}/(raw|blob)/HEAD/", "", released) == plain
    assert made["links"](None) == {} and "Source" in made["links"](forge)

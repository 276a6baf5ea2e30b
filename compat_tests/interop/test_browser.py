"""``examples/browser``, in headless Chromium, draws data from a PUB and sends requests to a REP."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from browser import GUARD, Tab, browser, fits

EXAMPLE = Path(__file__).parents[2] / "examples" / "browser"

#: A promise that is fulfilled once the page has drawn published data and shown a reply. It checks
#: this in each animation frame.
DRAWN = """new Promise(resolve => {
    const text = name => (document.getElementById(name) || {}).textContent;
    const end = Date.now() + %d;
    const look = () => {
        const drawn = Number(text("count")) > 50 && text("answer") === "HELLO";
        if (drawn || Date.now() > end) resolve(drawn);
        else requestAnimationFrame(look);
    };
    look();
})""" % (GUARD * 900)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return a folder with a bundled copy of the example."""
    if not (shutil.which("npm") and shutil.which("chromium")):
        # Both are large, so contributors who do not work on the example need not install them.
        pytest.skip("npm or chromium is not installed")
    folder = tmp_path_factory.mktemp("browser") / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    try:
        for command in ("install --silent --no-audit --no-fund", "run build --silent"):
            subprocess.run(
                ["npm", *command.split()], cwd=folder, check=True, capture_output=True, timeout=60
            )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        # An unreachable registry is not a fault of the example.
        pytest.skip(f"npm cannot install what the example needs: {error}")
    return folder


@pytest.fixture
def url(page):
    process = subprocess.Popen(
        [sys.executable, page / "feed.py"],
        cwd=EXAMPLE.parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_example_works_in_a_browser(url, tmp_path):
    with browser(tmp_path) as address, Tab(address) as tab:
        tab.ask("Page.navigate", url=url + "&auto=1")
        assert tab.wait_for(DRAWN) is True, (tab.text("count"), tab.text("answer"))
        fits(tab, "browser", tmp_path)
        assert not tab.errors

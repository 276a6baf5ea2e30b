"""``examples/browser`` in headless Chromium: it draws what a PUB publishes; a REP answers it."""

import base64
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "browser"
GUARD = 45  # seconds

#: The page has drawn what was published, and shown a reply. Asked again with each frame it draws.
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

WIDTH = "document.documentElement.scrollWidth"

client = pytest.importorskip("websockets.sync.client")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A copy of the example, bundled."""
    if not (shutil.which("npm") and shutil.which("chromium")):
        # Both are large; whoever works on something else need not have them.
        pytest.skip("there is no npm and chromium here")
    folder = tmp_path_factory.mktemp("browser") / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    try:
        for command in ("install --silent --no-audit --no-fund", "run build --silent"):
            subprocess.run(["npm", *command.split()], cwd=folder, check=True, capture_output=True,
                           timeout=60)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        # No registry in reach is not a fault of the example.
        pytest.skip(f"npm cannot install what the example needs: {error}")
    return folder


@pytest.fixture
def url(page):
    process = subprocess.Popen([sys.executable, page / "feed.py"], cwd=EXAMPLE.parents[1],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def browser(tmp_path):
    """The address of a browser's DevTools."""
    process = subprocess.Popen(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
         "--window-size=800,560", f"--user-data-dir={tmp_path}/profile", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stderr:
        if "DevTools listening on" in line:
            yield line.split("ws://")[1].partition("/")[0]
            break
    process.kill()
    process.wait()
    process.stderr.close()


class Tab:
    """A page of the browser, by the DevTools protocol."""

    def __init__(self, address):
        with urllib.request.urlopen(f"http://{address}/json", timeout=GUARD) as answer:
            targets = json.load(answer)
        target = next(each for each in targets if each["type"] == "page")
        self.endpoint = target["webSocketDebuggerUrl"]
        self.peer = None
        self.count = 0

    def __enter__(self):
        self.connection = client.connect(self.endpoint, max_size=None)
        self.peer = self.connection.__enter__()
        return self

    def __exit__(self, *exc_info):
        self.connection.__exit__(*exc_info)

    def ask(self, method, **params):
        self.count += 1
        self.peer.send(json.dumps({"id": self.count, "method": method, "params": params}))
        while True:
            word = json.loads(self.peer.recv(GUARD))
            if word.get("id") == self.count:
                return word["result"]

    def wait_for(self, promise):
        """What a promise of the page is fulfilled with."""
        answer = self.ask("Runtime.evaluate", expression=promise, awaitPromise=True)
        return answer["result"].get("value")

    def text(self, name):
        script = f"(document.getElementById('{name}') || {{}}).textContent"
        return self.ask("Runtime.evaluate", expression=script)["result"].get("value")


def test_the_example_works_in_a_browser(url, browser, tmp_path):
    # Where the screenshots are kept; otherwise they are with the test's other files.
    keep = os.environ.get("ZLINKCOMPAT_SCREENSHOTS")
    if keep:
        keep = Path(keep)
        keep.mkdir(parents=True, exist_ok=True)
    with Tab(browser) as tab:
        tab.ask("Page.navigate", url=url + "&auto=1")
        assert tab.wait_for(DRAWN) is True, (tab.text("count"), tab.text("answer"))
        for name, width in ("desktop", 800), ("phone", 390):
            tab.ask("Emulation.setDeviceMetricsOverride", width=width, height=560,
                    deviceScaleFactor=1, mobile=name == "phone")
            wide = tab.wait_for(f"Promise.resolve({WIDTH})")
            assert wide <= width, f"on a {name} of {width} pixels the page is {wide} wide"
            picture = base64.b64decode(tab.ask("Page.captureScreenshot")["data"])
            (keep or tmp_path).joinpath(f"browser-{name}.png").write_bytes(picture)
            assert picture.startswith(b"\x89PNG") and len(picture) > 5000

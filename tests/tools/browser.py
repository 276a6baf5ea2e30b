"""Headless Chromium, controlled through the DevTools protocol."""

import base64
import json
import os
import shutil
import subprocess
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

GUARD = 45  # seconds
LOADED = """new Promise(resolve => {
    if (document.readyState === "complete") resolve(true);
    else addEventListener("load", () => resolve(true));
})"""
SIZES = {"desktop": 1280, "phone": 390}  # CSS pixels


@contextmanager
def browser(folder):
    """Start Chromium, and give the address of its DevTools; its profile is in ``folder``.

    Skip the test if Chromium is not installed.
    """
    if not shutil.which("chromium"):
        # `.ci/packages` installs Chromium; a contributor's machine need not have it.
        pytest.skip("chromium is not installed")
    process = subprocess.Popen(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
         "--window-size=800,560", f"--user-data-dir={folder}/profile", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        for line in process.stderr:
            if "DevTools listening on" in line:
                yield line.split("ws://")[1].partition("/")[0]
                return
        raise RuntimeError(f"chromium ended with {process.wait()} and printed no address")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


class Tab:
    """The first page of the browser, or a ``new`` page.

    Attributes
    ----------
    errors : list of str
        Exceptions and error messages of the page since :meth:`load`.
    """

    def __init__(self, address, new=False):
        if new:
            asked = urllib.request.Request(f"http://{address}/json/new", method="PUT")
        else:
            asked = f"http://{address}/json"
        with urllib.request.urlopen(asked, timeout=GUARD) as answer:
            told = json.load(answer)
        target = told if new else next(each for each in told if each["type"] == "page")
        self.endpoint = target["webSocketDebuggerUrl"]
        self.peer = None
        self.count = 0
        self.errors = []

    def __enter__(self):
        client = pytest.importorskip("websockets.sync.client")
        self.connection = client.connect(self.endpoint, max_size=None)
        self.peer = self.connection.__enter__()
        for domain in "Runtime", "Log":
            self.ask(f"{domain}.enable")
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
            self.note(word.get("method"), word.get("params", {}))

    def note(self, method, params):
        wrong = (
            method == "Runtime.exceptionThrown"
            or (method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"))
            or (method == "Log.entryAdded" and params["entry"]["level"] == "error")
        )
        if wrong:
            self.errors.append(json.dumps(params))

    def load(self, url):
        """Go to ``url`` and wait until it is loaded."""
        self.ask("Page.navigate", url=url)
        assert self.wait_for(LOADED) is True

    def wait_for(self, promise):
        """Return the value that a promise of the page is fulfilled with."""
        answer = self.ask(
            "Runtime.evaluate", expression=promise, awaitPromise=True, returnByValue=True
        )
        return answer["result"].get("value")

    def text(self, name):
        script = f"(document.getElementById('{name}') || {{}}).textContent"
        return self.ask("Runtime.evaluate", expression=script)["result"].get("value")

    def resize(self, width, mobile):
        """Make the window ``width`` CSS pixels wide; return how wide the page then is."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=560,
            deviceScaleFactor=1,
            mobile=mobile,
        )
        return self.wait_for("Promise.resolve(document.documentElement.scrollWidth)")

    def shoot(self, name, folder, whole=False):
        """Save a screenshot of the window, or of the ``whole`` page, as ``NAME.png``.

        The folder is ``$ZLINKCOMPAT_SCREENSHOTS`` if that is set, and ``folder`` otherwise.
        """
        kept = Path(os.environ.get("ZLINKCOMPAT_SCREENSHOTS") or folder)
        kept.mkdir(parents=True, exist_ok=True)
        picture = base64.b64decode(
            self.ask("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        )
        kept.joinpath(f"{name}.png").write_bytes(picture)
        assert picture.startswith(b"\x89PNG") and len(picture) > 5000


def fits(tab, name, folder, whole=False):
    """Assert that a page needs no horizontal scrolling on a desktop and on a phone."""
    for device, width in SIZES.items():
        wide = tab.resize(width, device == "phone")
        assert wide <= width, f"on a {device} of {width} pixels the page is {wide} wide"
        tab.shoot(f"{name}-{device}", folder, whole)

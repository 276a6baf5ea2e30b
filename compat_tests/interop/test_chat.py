"""In ``examples/chat``, every browser receives what a user writes in one browser."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from browser import Tab, browser, fits

ROOT = Path(__file__).parents[2]
client = pytest.importorskip("websockets.sync.client")


@pytest.fixture
def url():
    process = subprocess.Popen(
        [sys.executable, ROOT / "examples" / "chat" / "chat.py"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


def test_message_reaches_every_client(url):
    with urllib.request.urlopen(url, timeout=30) as page:
        assert b"new WebSocket" in page.read()
    room = url.partition("room=")[2]
    with client.connect(room) as one:
        assert json.loads(one.recv(30)) == {"present": 1}
        with client.connect(room) as other:
            assert json.loads(one.recv(30)) == json.loads(other.recv(30)) == {"present": 2}
            other.send(json.dumps({"name": "other", "text": "hello"}))
            said = {"name": "other", "text": "hello"}
            assert json.loads(one.recv(30)) == json.loads(other.recv(30)) == said
        assert json.loads(one.recv(30)) == {"present": 1}


#: A promise that is fulfilled once the page shows a text.
SHOWN = """new Promise(resolve => {
    const look = () => document.body.textContent.includes(%s) && resolve(true);
    new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
    look();
})"""
SAY = """Promise.resolve(element("name").value = %s, element("text").value = %s,
                        element("form").requestSubmit())"""


def test_two_windows_see_each_other(url, tmp_path):
    with browser(tmp_path) as address, Tab(address) as one, Tab(address, new=True) as other:
        for tab in one, other:
            tab.load(url)
        for tab in one, other:
            assert tab.wait_for(SHOWN % json.dumps("2 here")) is True
        for tab, name, text in ((one, "Ann", "hello"), (other, "Ben", "<b>hi</b>, Ann")):
            tab.wait_for(SAY % (json.dumps(name), json.dumps(text)))
            for each in one, other:
                assert each.wait_for(SHOWN % json.dumps(f"{name} {text}")) is True
        fits(other, "chat", tmp_path)
        assert not one.errors + other.errors

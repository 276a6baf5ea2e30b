"""``examples/chat``: what one browser says, all are told."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
client = pytest.importorskip("websockets.sync.client")


@pytest.fixture
def url():
    process = subprocess.Popen([sys.executable, ROOT / "examples" / "chat" / "chat.py"], cwd=ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


def test_all_are_told(url):
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

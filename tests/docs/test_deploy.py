"""The programs that docs/deploy.md shows answer, and its configuration files can be parsed."""

import configparser
import re
import signal
import socket
import subprocess
import sys

import pytest
from test_pages import ROOT, blocks, inherited

PAGE = ROOT / "docs" / "deploy.md"
INSTRUCTIONS = {"FROM", "COPY", "RUN", "CMD"}

CALLS = {
    "web": "print(web.application({}, lambda status, headers: print(status)))",
    "tasks": "print(tasks.ask('question'))",
    "api": """
import asyncio

async def drive():
    to_app, from_app = asyncio.Queue(), asyncio.Queue()
    task = asyncio.ensure_future(api.app({"type": "lifespan"}, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    print((await from_app.get())["type"])
    await api.app({"type": "http"}, None, from_app.put)
    print((await from_app.get())["status"], (await from_app.get())["body"])
    await to_app.put({"type": "lifespan.shutdown"})
    print((await from_app.get())["type"])
    await task

asyncio.run(drive())
""",
}
PRINTED = {
    "web": "200 OK\n[b'answer to question']\n",
    "tasks": "answer to question\n",
    "api": "lifespan.startup.complete\n200 b'answer to question'\nlifespan.shutdown.complete\n",
}
CELERY = """
class Celery:
    def __init__(self, name, broker):
        pass

    def task(self, function):
        return function
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write the files of the page to a folder, with a free port, and a replacement for Celery."""
    folder = tmp_path_factory.mktemp("deploy")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for text in blocks(PAGE, "python"):
        name = re.match(r"# (\w+\.py)\n", text)[1]
        (folder / name).write_text(text.replace(":5999", f":{port}").replace("2000", "60000"))
    (folder / "celery.py").write_text(CELERY)
    return folder


def started(folder, *arguments):
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **inherited()},
    )


@pytest.fixture(scope="module")
def service(folder):
    with started(folder, "service.py") as process:
        yield process
        process.kill()


@pytest.mark.parametrize("name", CALLS)
def test_server_of_the_page_answers(folder, service, name):
    with started(folder, "-c", f"import {name}\n{CALLS[name]}") as program:
        printed, errors = program.communicate(timeout=60)
    assert printed == PRINTED[name], errors


def test_sigterm_ends_the_service(folder, service):
    with started(folder, "-c", f"import web\n{CALLS['web']}") as program:
        program.communicate(timeout=60)  # after this call the service has started
    service.send_signal(signal.SIGTERM)
    assert service.wait(60) == 0


def test_configurations_parse():
    (dockerfile,) = blocks(PAGE, "dockerfile")
    words = {line.split()[0] for line in dockerfile.splitlines() if line}
    assert words <= INSTRUCTIONS
    (unit,) = blocks(PAGE, "ini")
    parser = configparser.ConfigParser()
    parser.optionxform = str
    parser.read_string(unit)
    assert parser.sections() == ["Unit", "Service", "Install"]

"""The page that ``metrics.serve`` serves, in programs that are monkey-patched and not."""

import http.client
import os
import socket
import subprocess
import sys
import textwrap
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from process import HERE, ROOT

from zlinkcompat import metrics
from zlinkcompat.metrics.openmetrics import CONTENT_TYPE
from zlinkcompat.metrics.server import address_of, wsgi_app

PATIENCE = 30  # seconds


def get(url, **headers):
    """Return the answer to a request; it has ``status``, ``headers`` and ``text``."""
    try:
        answer = urlopen(Request(url, headers=headers), timeout=PATIENCE)
    except HTTPError as error:
        answer = error
    with answer:
        answer.text = answer.read().decode()
    return answer


SERVICE = """
import os, sys

def wait():
    # Reading stdin would block the hub.
    if "gevent.monkey" in sys.modules:
        import gevent
        gevent.get_hub().threadpool.apply(sys.stdin.readline)
    else:
        sys.stdin.readline()

import zlinkcompat as zmq
from zlinkcompat import metrics

context = zmq.Context()
sink = context.socket(zmq.PULL)
sink.bind("tcp://127.0.0.1:*")
page = metrics.serve()
print(page.url, flush=True)
"""


@pytest.fixture(params=["plain", "patched"])
def service(request):
    """service(more): the URL of a service in a process of its own, which then runs ``more``."""
    started = []

    def service(more="wait()"):
        head = "from gevent import monkey; monkey.patch_all()\n" if request.param != "plain" else ""
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", head + SERVICE + textwrap.dedent(more)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([ROOT, HERE])},
        )
        started.append(process)
        process.url = process.stdout.readline().strip()
        return process

    yield service
    for process in started:
        process.kill()
        process.communicate()


def test_page_shows_the_service(service):
    answer = get(service().url)
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert int(answer.headers["Content-Length"]) == len(answer.text)
    assert "\nzlinkcompat_sockets 1\n" in answer.text
    assert answer.text.endswith("\n# EOF\n")


def test_page_listens_on_loopback_only(service):
    url = service().url
    assert url.startswith("http://127.0.0.1:") and url.endswith("/metrics")


def test_other_pages_and_methods_are_refused(service):
    url = service().url
    assert get(url + "/more").status == 404
    assert get(url.removesuffix("/metrics")).status == 200
    host = url.removeprefix("http://").removesuffix("/metrics")
    for method, status in (("POST", 405), ("HEAD", 200)):
        connection = http.client.HTTPConnection(host, timeout=PATIENCE)
        connection.request(method, "/metrics", headers={"Content-Length": "0"})
        answer = connection.getresponse()
        assert answer.status == status
        answer.read()
        connection.close()


def test_silent_clients_do_not_block_the_page(service):
    """Fewer than the limit of requests: the page answers although they say nothing."""
    running = service()
    host, port = running.url.removeprefix("http://").removesuffix("/metrics").split(":")
    silent = [socket.create_connection((host, int(port)), timeout=PATIENCE) for _ in range(3)]
    assert get(running.url).status == 200
    for each in silent:
        each.close()
    assert get(running.url).status == 200


def test_closed_page_frees_its_port(service):
    running = service(
        """
        wait()
        page.close()
        page.close()
        again = metrics.serve(page.url.split("/")[2])
        print(again.url, flush=True)
        wait()
        """
    )
    assert get(running.url).status == 200
    print(file=running.stdin, flush=True)
    assert running.stdout.readline().strip() == running.url
    assert get(running.url).status == 200


def test_forked_child_leaves_the_page_to_its_parent(service):
    """The child lives on, and does not hold the port when the parent has closed it."""
    running = service(
        """
        import signal

        pid = os.fork()
        if pid == 0:
            signal.pause()
        print(pid, flush=True)
        wait()
        page.close()
        try:
            metrics.serve(page.url.split("/")[2]).close()
            print("free", flush=True)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        """
    )
    assert running.stdout.readline()  # the child is there
    assert get(running.url).status == 200
    print(file=running.stdin, flush=True)
    assert running.communicate(timeout=PATIENCE)[0] == "free\n"


def test_forked_child_can_serve_a_page_of_its_own(service):
    running = service(
        """
        pid = os.fork()
        if pid == 0:
            context = zmq.Context()
            sockets = [context.socket(zmq.PAIR) for _ in range(3)]
            page = metrics.serve()
            print(page.url, flush=True)
        wait()
        if pid:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        """
    )
    child = running.stdout.readline().strip()
    assert "\nzlinkcompat_sockets 3\n" in get(child).text
    assert "\nzlinkcompat_sockets 1\n" in get(running.url).text


def test_program_ends_while_the_page_is_served(service):
    running = service("wait(); sys.exit(3)")
    assert get(running.url).status == 200
    running.communicate("\n", timeout=PATIENCE)
    assert running.returncode == 3


# -- in this process ---------------------------------------------------------------------------


def answer_of(**environ):
    """Return the status, the headers and the body of the WSGI application's answer."""
    started = []
    body = b"".join(wsgi_app(environ, lambda *given: started.append(given)))
    return started[0][0], dict(started[0][1]), body


def test_wsgi_app_can_be_mounted_anywhere():
    status, headers, body = answer_of(SCRIPT_NAME="/internal", PATH_INFO="/metrics")
    assert (status, headers["Content-Type"]) == ("200 OK", CONTENT_TYPE)
    assert body.endswith(b"# EOF\n")


def test_browser_gets_plain_text():
    _, headers, _ = answer_of(PATH_INFO="/metrics", HTTP_ACCEPT="text/html,*/*;q=0.8")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (9464, ("127.0.0.1", 9464)),
        ("9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("[::1]:80", ("::1", 80)),
        ("name.example:80", ("name.example", 80)),
    ],
)
def test_addresses(address, expected):
    assert address_of(address) == expected


@pytest.mark.parametrize("address", ["", "host", "host:", "1.2.3.4:x", ":70000", -1])
def test_bad_addresses_are_refused_with_their_text(address):
    with pytest.raises(ValueError, match=f"not {address!r}$"):
        metrics.serve(address)


def test_used_port_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(OSError, match="in use"):
            metrics.serve(taken.getsockname()[1])

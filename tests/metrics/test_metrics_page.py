"""The page of ``metrics.serve`` works in programs with and without monkey-patching."""

import http.client
import socket
import textwrap
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from zlinkcompat import metrics
from zlinkcompat.metrics.openmetrics import CONTENT_TYPE
from zlinkcompat.metrics.server import address_of, wsgi_app

PATIENCE = 30  # seconds


def get(url, **headers):
    """Return the answer to a request, which has ``status``, ``headers`` and ``text``."""
    try:
        answer = urlopen(Request(url, headers=headers), timeout=PATIENCE)
    except HTTPError as error:
        answer = error
    with answer:
        answer.text = answer.read().decode()
    return answer


SERVICE = """
sink = context.socket(zmq.PULL)
sink.bind("tcp://127.0.0.1:*")
page = metrics.serve()
say(page.url)
"""


@pytest.fixture
def serving(service):
    """``serving(more)`` starts a service with a page at ``url``, which then runs ``more``."""

    def serving(more="wait()"):
        running = service(
            SERVICE + textwrap.dedent(more), PYTHONWARNINGS="error,ignore::ResourceWarning"
        )
        running.url = running.line()
        return running

    return serving


def test_page_shows_the_service(serving):
    answer = get(serving().url)
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert int(answer.headers["Content-Length"]) == len(answer.text)
    assert "\nzlinkcompat_sockets 1\n" in answer.text
    assert answer.text.endswith("\n# EOF\n")


def test_page_listens_on_loopback_only(serving):
    url = serving().url
    assert url.startswith("http://127.0.0.1:") and url.endswith("/metrics")


def test_other_pages_and_methods_are_refused(serving):
    url = serving().url
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


def test_silent_clients_do_not_block_the_page(serving):
    """The page answers while clients are connected that send no request.

    Their number is below the limit of concurrent requests.
    """
    running = serving()
    host, port = running.url.removeprefix("http://").removesuffix("/metrics").split(":")
    silent = [socket.create_connection((host, int(port)), timeout=PATIENCE) for _ in range(3)]
    assert get(running.url).status == 200
    for each in silent:
        each.close()
    assert get(running.url).status == 200


def test_closed_page_frees_its_port(serving):
    running = serving(
        """
        wait()
        page.close()
        page.close()
        again = metrics.serve(page.url.split("/")[2])
        say(again.url)
        wait()
        """
    )
    assert get(running.url).status == 200
    running.tell()
    assert running.line() == running.url
    assert get(running.url).status == 200


def test_forked_child_leaves_the_page_to_its_parent(serving):
    """A forked child closes its copy of the page's socket, so the parent can release the port."""
    running = serving(
        """
        ready, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(told, b"1")  # by now the child has closed its copy of the page's socket
            signal.pause()
        os.read(ready, 1)
        say(pid)
        wait()
        page.close()
        try:
            metrics.serve(page.url.split("/")[2]).close()
            say("free")
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        """
    )
    assert running.line()  # the child has been forked
    assert get(running.url).status == 200
    running.tell()
    assert running.ends() == (0, "free\n", "")


def test_forked_child_can_serve_a_page_of_its_own(serving):
    running = serving(
        """
        pid = os.fork()
        if pid == 0:
            context = zmq.Context()
            sockets = [context.socket(zmq.PAIR) for _ in range(3)]
            page = metrics.serve()
            say(page.url)
        wait()
        if pid:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        """
    )
    child = running.line()
    assert "\nzlinkcompat_sockets 3\n" in get(child).text
    assert "\nzlinkcompat_sockets 1\n" in get(running.url).text


def test_program_ends_while_the_page_is_served(serving):
    running = serving("wait(); sys.exit(3)")
    assert get(running.url).status == 200
    assert running.ends() == (3, "", "")


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
